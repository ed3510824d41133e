/* A PKCS#11 module that forwards to another one and sleeps before the calls that cost an HSM its
   time: it stands for an HSM at the far end of a network. REAL is the other module, SIGN and
   GENERATE are places in CK_FUNCTION_LIST, DELAY is in microseconds. */

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#define FUNCTIONS 68

typedef unsigned long ulong;
typedef struct {
    unsigned char version[2];
    void *functions[FUNCTIONS];
} List;
typedef ulong (*Sign)(ulong, void *, ulong, void *, void *);
typedef ulong (*Generate)(ulong, void *, void *, ulong, void *, ulong, void *, void *);

static List *real, slow;

static ulong sign(ulong session, void *text, ulong size, void *made, void *length)
{
    usleep(DELAY);
    return ((Sign)real->functions[SIGN])(session, text, size, made, length);
}

static ulong generate(ulong session, void *mechanism, void *public, ulong publics, void *private,
                      ulong privates, void *public_handle, void *private_handle)
{
    usleep(DELAY);
    return ((Generate)real->functions[GENERATE])(session, mechanism, public, publics, private,
                                                 privates, public_handle, private_handle);
}

ulong C_GetFunctionList(void **found)
{
    void *module = dlopen(REAL, RTLD_NOW | RTLD_LOCAL);
    ulong (*list)(List **) = module ? (ulong(*)(List **))dlsym(module, "C_GetFunctionList") : 0;
    ulong code = list ? list(&real) : 5; /* CKR_GENERAL_ERROR */
    if (code)
        return code;
    memcpy(&slow, real, sizeof slow);
    slow.functions[SIGN] = (void *)sign;
    slow.functions[GENERATE] = (void *)generate;
    *found = &slow;
    return 0;
}
