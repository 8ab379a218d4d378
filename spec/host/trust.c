/*
 * Windows: puts the certificates of a PEM file into the user's store of authorities to trust, for a test whose store is its
 * own.
 *
 *   trust FILE
 */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include <wincrypt.h>

enum { MOST = 16384 };

int main(int count, char **arguments)
{
  char text[MOST];
  BYTE bytes[MOST];
  DWORD length = sizeof bytes;
  FILE *file = count == 2 ? fopen(arguments[1], "rb") : NULL;
  size_t read = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file != NULL)
    fclose(file);
  text[read] = '\0';
  HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_SYSTEM_W, 0, 0, CERT_SYSTEM_STORE_CURRENT_USER, L"ROOT");
  if (store == NULL || !CryptStringToBinaryA(text, 0, CRYPT_STRING_BASE64HEADER, bytes, &length, NULL, NULL) ||
      !CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, bytes, length, CERT_STORE_ADD_ALWAYS, NULL)) {
    fprintf(stderr, "trust: error %lu\n", GetLastError());
    return 1;
  }
  return CertCloseStore(store, 0) ? 0 : 1;
}
