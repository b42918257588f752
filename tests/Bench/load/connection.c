#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_BYTES 65536

uint8_t *buffer_room(Buffer *b, size_t length)
{
    if (b->start == b->end)
        b->start = b->end = 0;
    if (b->capacity - b->end < length && b->start > 0) {
        memmove(b->bytes, b->bytes + b->start, b->end - b->start);
        b->end -= b->start;
        b->start = 0;
    }
    if (b->capacity - b->end < length) {
        b->capacity = (b->end + length) * 2;
        b->bytes = realloc(b->bytes, b->capacity);
        if (!b->bytes)
            fail("out of memory");
    }
    return b->bytes + b->end;
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path)
        fail("the socket's path is longer than %zu bytes: %s", sizeof address.sun_path - 1, path);
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail("connect %s: %s", path, strerror(errno));
    return fd;
}

static int connect_tcp(const char *host, const char *port)
{
    struct addrinfo *found, hints = { .ai_socktype = SOCK_STREAM };
    int wrong = getaddrinfo(host, port, &hints, &found);
    if (wrong)
        fail("%s: %s", host, gai_strerror(wrong));
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) < 0)
        fail("connect %s:%s: %s", host, port, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    freeaddrinfo(found);
    return fd;
}

static _Noreturn void fail_tls(const char *what)
{
    char text[256] = "no reason given";
    unsigned long error = ERR_get_error();
    if (error)
        ERR_error_string_n(error, text, sizeof text);
    fail("%s: %s", what, text);
}

static SSL_CTX *tls_context(const Endpoint *e)
{
    static SSL_CTX *context;
    if (context)
        return context;
    context = SSL_CTX_new(TLS_client_method());
    if (!SSL_CTX_load_verify_locations(context, e->authority_file, NULL))
        fail_tls(e->authority_file);
    if (e->certificate && (SSL_CTX_use_certificate_chain_file(context, e->certificate) != 1
                           || SSL_CTX_use_PrivateKey_file(context, e->key, SSL_FILETYPE_PEM) != 1))
        fail_tls(e->certificate);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_alpn_protos(context, (const unsigned char *)"\2h2", 3);
    return context;
}

static SSL *tls_start(int fd, const Endpoint *e)
{
    SSL *tls = SSL_new(tls_context(e));
    SSL_set_tlsext_host_name(tls, e->server_name);
    SSL_set1_host(tls, e->server_name);
    SSL_set_fd(tls, fd);
    if (SSL_connect(tls) != 1)
        fail_tls("TLS handshake");
    const unsigned char *protocol;
    unsigned length;
    SSL_get0_alpn_selected(tls, &protocol, &length);
    if (length != 2 || memcmp(protocol, "h2", 2))
        fail("the server does not offer h2");
    return tls;
}

void connection_open(Connection *c, const Endpoint *e)
{
    c->fd = e->unix_path ? connect_unix(e->unix_path) : connect_tcp(e->host, e->port);
    if (e->authority_file)
        c->tls = tls_start(c->fd, e);
    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
}

bool connection_read(Connection *c)
{
    uint8_t *to = buffer_room(&c->in, READ_BYTES);
    ssize_t length;
    if (c->tls) {
        length = SSL_read(c->tls, to, READ_BYTES);
        if (length <= 0) {
            int error = SSL_get_error(c->tls, (int)length);
            if (error == SSL_ERROR_WANT_READ)
                return false;
            if (error == SSL_ERROR_ZERO_RETURN)
                fail("the server closed the connection");
            fail_tls("TLS read");
        }
    } else {
        length = read(c->fd, to, READ_BYTES);
        if (length < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        if (length <= 0)
            fail("the server closed the connection%s%s", length < 0 ? ": " : "", length < 0 ? strerror(errno) : "");
    }
    c->in.end += (size_t)length;
    // A short plain read has emptied the socket; TLS may hold more records.
    return c->tls || length == READ_BYTES;
}

void connection_flush(Connection *c)
{
    c->blocked = false;
    while (c->out.start < c->out.end) {
        const uint8_t *from = c->out.bytes + c->out.start;
        size_t length = c->out.end - c->out.start;
        ssize_t written;
        if (c->tls) {
            written = SSL_write(c->tls, from, length > 1 << 20 ? 1 << 20 : (int)length);
            if (written <= 0 && SSL_get_error(c->tls, (int)written) != SSL_ERROR_WANT_WRITE)
                fail_tls("TLS write");
        } else {
            written = send(c->fd, from, length, MSG_NOSIGNAL);
            if (written < 0 && errno != EAGAIN && errno != EINTR)
                fail("write: %s", strerror(errno));
        }
        if (written <= 0) {
            c->blocked = true;
            return;
        }
        c->out.start += (size_t)written;
    }
}
