// The header Client-Cert of RFC 9440 for nginx; empty, and so left out, without a certificate.
function header(request) {
    const pem = request.variables.ssl_client_raw_cert;
    return pem ? ':' + pem.replace(/-----[A-Z ]+-----|\s/g, '') + ':' : '';
}

export default {header};
