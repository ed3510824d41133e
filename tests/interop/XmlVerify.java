// The JDK's XML signature as a judge: java XmlVerify.java FILE DIRECTORY; prints "true" when right.
import java.io.*;
import java.net.URLDecoder;
import java.nio.file.*;
import java.security.cert.*;
import java.util.*;
import javax.xml.crypto.*;
import javax.xml.crypto.dom.DOMCryptoContext;
import javax.xml.crypto.dsig.*;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.parsers.*;
import org.w3c.dom.*;

public class XmlVerify {
    public static void main(String[] arguments) throws Exception {
        DocumentBuilderFactory parsers = DocumentBuilderFactory.newInstance();
        parsers.setNamespaceAware(true);
        Document document = parsers.newDocumentBuilder().parse(new File(arguments[0]));
        NodeList found = document.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature");
        boolean right = found.getLength() > 0;
        for (int place = 0; place < found.getLength(); place++) {
            right &= judge((Element) found.item(place), Path.of(arguments[1]));
        }
        System.out.println(right);
    }

    static boolean judge(Element signature, Path directory) throws Exception {
        Node text = signature.getElementsByTagNameNS(XMLSignature.XMLNS, "X509Certificate").item(0);
        byte[] der = Base64.getMimeDecoder().decode(text.getTextContent());
        var factory = CertificateFactory.getInstance("X.509");
        var certificate = factory.generateCertificate(new ByteArrayInputStream(der));
        var context = new DOMValidateContext(certificate.getPublicKey(), signature);
        NodeList every = signature.getElementsByTagName("*");
        for (int place = 0; place < every.getLength(); place++) {
            Element one = (Element) every.item(place);
            if (one.hasAttribute("Id")) context.setIdAttributeNS(one, null, "Id");
        }
        XMLSignatureFactory signatures = XMLSignatureFactory.getInstance("DOM");
        URIDereferencer own = signatures.getURIDereferencer();
        context.setURIDereferencer((reference, where) -> {
            String uri = reference.getURI();
            if (uri.isEmpty() || uri.startsWith("#")) return own.dereference(reference, where);
            try {
                Path file = directory.resolve(URLDecoder.decode(uri, "UTF-8"));
                return new OctetStreamData(new ByteArrayInputStream(Files.readAllBytes(file)));
            } catch (IOException fault) {
                throw new URIReferenceException(fault);
            }
        });
        return signatures.unmarshalXMLSignature(context).validate(context);
    }
}
