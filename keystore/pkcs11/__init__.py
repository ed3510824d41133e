"""Our binding to PKCS#11 v2.40 and the child process that a module runs in."""
