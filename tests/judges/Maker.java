import eu.europa.esig.dss.asic.cades.ASiCWithCAdESSignatureParameters;
import eu.europa.esig.dss.asic.cades.signature.ASiCWithCAdESService;
import eu.europa.esig.dss.asic.xades.ASiCWithXAdESSignatureParameters;
import eu.europa.esig.dss.asic.xades.signature.ASiCWithXAdESService;
import eu.europa.esig.dss.cades.CAdESSignatureParameters;
import eu.europa.esig.dss.cades.signature.CAdESService;
import eu.europa.esig.dss.enumerations.ASiCContainerType;
import eu.europa.esig.dss.enumerations.DigestAlgorithm;
import eu.europa.esig.dss.enumerations.JWSSerializationType;
import eu.europa.esig.dss.enumerations.SigDMechanism;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.enumerations.SignaturePackaging;
import eu.europa.esig.dss.jades.JAdESSignatureParameters;
import eu.europa.esig.dss.jades.signature.JAdESService;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.pades.PAdESSignatureParameters;
import eu.europa.esig.dss.pades.signature.PAdESService;
import eu.europa.esig.dss.signature.AbstractSignatureParameters;
import eu.europa.esig.dss.signature.DocumentSignatureService;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.tsp.KeyEntityTSPSource;
import eu.europa.esig.dss.token.DSSPrivateKeyEntry;
import eu.europa.esig.dss.token.KSPrivateKeyEntry;
import eu.europa.esig.dss.token.Pkcs12SignatureToken;
import eu.europa.esig.dss.xades.XAdESSignatureParameters;
import eu.europa.esig.dss.xades.signature.XAdESService;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore.PasswordProtection;
import java.util.List;
import java.util.function.Supplier;

/** Signatures of EU DSS, of every format at every level, each in a directory of its own. */
public final class Maker {
    private static final String[] LEVELS = {"B", "T", "LT", "LTA"};

    private final Path given;
    private final Path out;
    private final CommonCertificateVerifier verifier;
    private final KeyEntityTSPSource stamps;
    private final Pkcs12SignatureToken token;

    private Maker(Path given, Path out) throws IOException {
        this.given = given;
        this.out = out;
        verifier = Judge.offline(given.resolve("trusted"));
        PasswordProtection password = new PasswordProtection("password".toCharArray());
        token = new Pkcs12SignatureToken(given.resolve("signer.p12").toFile(), password);
        KSPrivateKeyEntry authority = (KSPrivateKeyEntry) new Pkcs12SignatureToken(
            given.resolve("stamper.p12").toFile(), password).getKeys().get(0);
        stamps = new KeyEntityTSPSource(authority.getPrivateKey(), authority.getCertificate(),
            List.of(authority.getCertificateChain()));
        stamps.setTsaPolicy("1.3.6.1.4.1.59999.1");
    }

    public static void main(String[] arguments) throws IOException {
        Maker maker = new Maker(Path.of(arguments[0]), Path.of(arguments[1]));
        maker.cades();
        maker.xades();
        maker.jades();
        maker.pades();
        maker.containers();
    }

    private void cades() throws IOException {
        for (String kind : new String[] {"ENVELOPING", "DETACHED"}) {
            levels("CAdES", kind, "p7m", "debt.txt", new CAdESService(verifier), CAdESSignatureParameters::new);
        }
    }

    private void xades() throws IOException {
        for (String kind : new String[] {"ENVELOPING", "ENVELOPED", "DETACHED", "INTERNALLY_DETACHED"}) {
            levels("XAdES", kind, "xml", "order.xml", new XAdESService(verifier), XAdESSignatureParameters::new);
        }
    }

    private void jades() throws IOException {
        for (JWSSerializationType type : JWSSerializationType.values()) {
            levels("JAdES", "ENVELOPING", "json", "annex.json", new JAdESService(verifier), () -> jades(type, null));
        }
        for (SigDMechanism named : new SigDMechanism[] {
                SigDMechanism.OBJECT_ID_BY_URI, SigDMechanism.OBJECT_ID_BY_URI_HASH, SigDMechanism.NO_SIG_D}) {
            levels("JAdES", "DETACHED", "json", "annex.json", new JAdESService(verifier),
                () -> jades(JWSSerializationType.JSON_SERIALIZATION, named));
        }
    }

    private static JAdESSignatureParameters jades(JWSSerializationType type, SigDMechanism named) {
        JAdESSignatureParameters made = new JAdESSignatureParameters();
        made.setJwsSerializationType(type);
        made.setSigDMechanism(named);
        return made;
    }

    private void pades() throws IOException {
        levels("PAdES", "ENVELOPED", "pdf", "page.pdf", new PAdESService(verifier), PAdESSignatureParameters::new);
    }

    private void containers() throws IOException {
        for (ASiCContainerType type : ASiCContainerType.values()) {
            levels("CAdES", type.name(), "asice", "debt.txt", new ASiCWithCAdESService(verifier), () -> {
                ASiCWithCAdESSignatureParameters made = new ASiCWithCAdESSignatureParameters();
                made.aSiC().setContainerType(type);
                return made;
            });
            levels("XAdES", type.name(), "asice", "debt.txt", new ASiCWithXAdESService(verifier), () -> {
                ASiCWithXAdESSignatureParameters made = new ASiCWithXAdESSignatureParameters();
                made.aSiC().setContainerType(type);
                return made;
            });
        }
    }

    private <P extends AbstractSignatureParameters<?>> void levels(String format, String kind, String ending,
            String name, DocumentSignatureService<P, ?> service, Supplier<P> fresh) throws IOException {
        service.setTspSource(stamps);
        DSSPrivateKeyEntry key = token.getKeys().get(0);
        for (String level : LEVELS) {
            P wish = fresh.get();
            String word = word(wish, kind);
            boolean isCompact = word.contains("COMPACT");
            if (isCompact && !level.equals("B")) {
                continue;
            }
            wish.setSignatureLevel(SignatureLevel.valueByName(format + "-BASELINE-" + level));
            if (!kind.startsWith("ASiC")) {
                wish.setSignaturePackaging(SignaturePackaging.valueOf(kind));
            }
            wish.setDigestAlgorithm(DigestAlgorithm.SHA256);
            wish.setSigningCertificate(key.getCertificate());
            wish.setCertificateChain(key.getCertificateChain());
            DSSDocument document = new FileDocument(given.resolve(name).toFile());
            DSSDocument signed = service.signDocument(document, wish,
                token.sign(service.getDataToSign(document, wish), wish.getDigestAlgorithm(), key));
            Path place = out.resolve((format + "-" + word + "_" + level).toLowerCase());
            Files.createDirectories(place);
            signed.save(place.resolve("signed." + ending).toString());
            if (kind.equals("DETACHED")) {
                Files.createDirectories(place.resolve("originals"));
                Files.copy(given.resolve(name), place.resolve("originals").resolve(name));
            }
        }
    }

    private static String word(AbstractSignatureParameters<?> wish, String kind) {
        if (!(wish instanceof JAdESSignatureParameters)) {
            return kind;
        }
        JAdESSignatureParameters jades = (JAdESSignatureParameters) wish;
        return jades.getSigDMechanism() == null
            ? jades.getJwsSerializationType().name() : jades.getSigDMechanism().name();
    }
}
