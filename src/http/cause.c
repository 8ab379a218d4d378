#include "http/cause.h"

#include <string.h>

/* What is not here is a failure of the network that will not pass. */
static const struct cause causes[] = {
    {CURLE_OPERATION_TIMEDOUT, STEPIMG_TIMEOUT, true, ""},
    {CURLE_OUT_OF_MEMORY, STEPIMG_NOMEM, false, ""},
    {CURLE_COULDNT_RESOLVE_PROXY, STEPIMG_NETWORK, true, "the name cannot be looked up"},
    {CURLE_COULDNT_RESOLVE_HOST, STEPIMG_NETWORK, true, "the name cannot be looked up"},
    {CURLE_COULDNT_CONNECT, STEPIMG_NETWORK, true, "it cannot be reached"},
    {CURLE_PROXY, STEPIMG_NETWORK, true, "it does not lead there"},
    {CURLE_SSL_CONNECT_ERROR, STEPIMG_NETWORK, true, "no secure connection"},
    {CURLE_PEER_FAILED_VERIFICATION, STEPIMG_NETWORK, false, "no secure connection"},
    {CURLE_SSL_CIPHER, STEPIMG_NETWORK, false, "no secure connection"},
    {CURLE_SSL_CERTPROBLEM, STEPIMG_NETWORK, false, "no secure connection"},
    {CURLE_SSL_CACERT_BADFILE, STEPIMG_NETWORK, false, "no secure connection"},
    {CURLE_SSL_ISSUER_ERROR, STEPIMG_NETWORK, false, "no secure connection"},
    /* libcurl wanted to send it again; send_body and begin_request say why it cannot */
    {CURLE_SEND_FAIL_REWIND, STEPIMG_NETWORK, false, "the connection was lost"},
    {CURLE_ABORTED_BY_CALLBACK, STEPIMG_NETWORK, false, "the connection was lost"},
    {CURLE_PARTIAL_FILE, STEPIMG_NETWORK, true, "the answer was cut short"},
    /* a reset, or chunks that are none: libcurl does not tell them apart */
    {CURLE_RECV_ERROR, STEPIMG_NETWORK, true, "the answer could not be received"},
    {CURLE_GOT_NOTHING, STEPIMG_NETWORK, true, "the connection was lost"},
    {CURLE_SEND_ERROR, STEPIMG_NETWORK, true, "the connection was lost"},
    {CURLE_HTTP2, STEPIMG_NETWORK, true, "the exchange over HTTP/2 failed"},
    {CURLE_HTTP2_STREAM, STEPIMG_NETWORK, true, "the exchange over HTTP/2 failed"},
    {CURLE_WEIRD_SERVER_REPLY, STEPIMG_PROTOCOL, false, "that is no HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, STEPIMG_PROTOCOL, false, "that is no HTTP"},
    {CURLE_URL_MALFORMAT, STEPIMG_PROTOCOL, false, "that is no HTTP"},
    {CURLE_BAD_CONTENT_ENCODING, STEPIMG_PROTOCOL, false, "the answer's coding cannot be read"},
#if LIBCURL_VERSION_NUM >= 0x080600 /* 8.6.0 */
    {CURLE_TOO_LARGE, STEPIMG_PROTOCOL, false, "a header of the answer is too large"},
#endif
    {CURLE_OK, STEPIMG_NETWORK, false, "the request failed"},
};

const struct cause *cause_of(CURLcode code)
{
  const struct cause *cause = causes;
  while (cause->code != code && cause->code != CURLE_OK)
    cause++;
  return cause;
}

/* What OpenSSL and GnuTLS say of the most usual failures is known to mislead. */
const char *cause_words(const char *reason, bool connected)
{
  static const char *const plain[][2] = {
      {"wrong version number", "the server does not speak TLS there"},
      {"unexpected TLS packet", "the server does not speak TLS there"},
      {"alert protocol version", "the server speaks only versions of TLS that are too old"},
      {"Error in protocol version", "the server speaks only versions of TLS that are too old"},
  };
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (!connected && strstr(reason, plain[i][0]) != NULL)
      return plain[i][1];
  static const char *const hung_up[] = {"SSL_ERROR_SYSCALL" /* OpenSSL 1.1 */, "unexpected eof" /* OpenSSL 3 */,
                                        "non-properly terminated" /* GnuTLS */};
  for (size_t i = 0; i < sizeof hung_up / sizeof *hung_up; i++)
    if (strstr(reason, hung_up[i]) != NULL)
      return connected ? "the server hung up without a good-bye" : "the server hung up in the middle of the handshake";
  return reason;
}
