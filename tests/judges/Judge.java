import eu.europa.esig.dss.enumerations.Indication;
import eu.europa.esig.dss.jaxb.object.Message;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.simplereport.jaxb.XmlTimestamp;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import eu.europa.esig.dss.spi.x509.revocation.ocsp.ExternalResourcesOCSPSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/**
 * Judges every directory below the one that is named, as on a day that many days from now: EU DSS
 * with the policy that it comes with, and veraPDF where a PDF says that it is PDF/A.
 *
 * <p>A line each: directory, what it is, verdict, reason, right time-stamps, errors, warnings.
 */
public final class Judge {
    private final Path corpus;
    private final Date at;

    private Judge(Path corpus, Date at) {
        this.corpus = corpus;
        this.at = at;
    }

    public static void main(String[] arguments) throws Exception {
        Duration from = Duration.ofDays(Long.parseLong(arguments[1]));
        Judge judge = new Judge(Path.of(arguments[0]), Date.from(Instant.now().plus(from)));
        VeraGreenfieldFoundryProvider.initialise();
        for (Path directory : sorted(judge.corpus)) {
            for (Path file : sorted(directory)) {
                String name = file.getFileName().toString();
                if (name.startsWith("signed.")) {
                    judge.signature(directory, file);
                }
                if (name.endsWith(".pdf") && from.isZero() && directory.toString().contains("pdf-a")) {
                    archivable(directory, file);
                }
            }
        }
    }

    private void signature(Path directory, Path signed) throws IOException {
        try {
            SignedDocumentValidator validator =
                SignedDocumentValidator.fromDocument(new FileDocument(signed.toFile()));
            validator.setCertificateVerifier(offline(corpus.resolve("trusted")));
            validator.setDetachedContents(List.of(files(directory.resolve("originals"))));
            validator.setValidationTime(at);
            SimpleReport report = validator.validateDocument().getSimpleReport();
            for (String id : report.getSignatureIdList()) {
                List<XmlTimestamp> stamps = report.getSignatureTimestamps(id);
                long right = stamps.stream().filter(one -> one.getIndication() == Indication.PASSED).count();
                tell(directory, report.getSignatureFormat(id), report.getIndication(id),
                    report.getSubIndication(id), right + "/" + stamps.size(),
                    said(report.getAdESValidationErrors(id)), said(report.getAdESValidationWarnings(id)));
            }
            if (report.getSignaturesCount() == 0) {
                tell(directory, "none", "none", "", "", "no signature was found", "");
            }
        } catch (RuntimeException fault) {
            tell(directory, "none", "refused", "", "", fault, "");
        }
    }

    private static void archivable(Path directory, Path pdf) throws Exception {
        try (InputStream octets = Files.newInputStream(pdf);
                PDFAParser parser = Foundries.defaultInstance().createParser(octets)) {
            PDFAFlavour flavour = parser.getFlavour();
            ValidationResult found =
                Foundries.defaultInstance().createValidator(flavour, false).validate(parser);
            String broken = found.getTestAssertions().stream()
                .filter(one -> one.getStatus() == TestAssertion.Status.FAILED)
                .map(one -> one.getRuleId().getClause() + " " + one.getMessage())
                .distinct().collect(Collectors.joining(" | "));
            tell(directory, "PDF/A-" + flavour, found.isCompliant() ? "TOTAL_PASSED" : "none", "", "", broken, "");
        }
    }

    /** Nothing is fetched: whatever tells of revocation is in the signature or in the directory. */
    static CommonCertificateVerifier offline(Path trusted) throws IOException {
        CommonTrustedCertificateSource anchors = new CommonTrustedCertificateSource();
        anchors.addCertificate(DSSUtils.loadCertificate(trusted.resolve("root.der").toFile()));
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        verifier.setTrustedCertSources(anchors);
        verifier.setAIASource(null);
        verifier.setOcspSource(new ExternalResourcesOCSPSource(files(trusted.resolve("ocsp"))));
        verifier.setCrlSource(new ExternalResourcesCRLSource(files(trusted.resolve("crl"))));
        return verifier;
    }

    private static DSSDocument[] files(Path directory) throws IOException {
        return sorted(directory).stream().map(one -> new FileDocument(one.toFile())).toArray(DSSDocument[]::new);
    }

    private static List<Path> sorted(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> found = Files.list(directory)) {
            return found.sorted().collect(Collectors.toList());
        }
    }

    private static String said(List<Message> messages) {
        return messages.stream().map(Message::getValue).collect(Collectors.joining(" | "));
    }

    private static void tell(Path directory, Object... said) {
        List<String> words = new ArrayList<>(List.of(directory.getFileName().toString()));
        for (Object one : said) {
            words.add(one == null ? "" : one.toString().replaceAll("\\s+", " "));
        }
        System.out.println(String.join("\t", words));
    }
}
