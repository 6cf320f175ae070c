#include "dataplane/core/tls_pem.h"

#include <cstdio>
#include <memory>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pemerr.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace anytick::core {
namespace {

/// Far above any bundle of certificates that a POP or a hub is told to trust.
constexpr size_t pem_bytes_max = size_t{4} << 20;

struct Release {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using PemSource = std::unique_ptr<BIO, Release>;
using Certificate = std::unique_ptr<X509, Release>;

/// What OpenSSL queued about a failure is of no use to whoever uses it next on this thread.
struct QueueOfErrors {
  QueueOfErrors() = default;
  QueueOfErrors(const QueueOfErrors&) = delete;
  QueueOfErrors& operator=(const QueueOfErrors&) = delete;
  ~QueueOfErrors() { ERR_clear_error(); }
};

/// Instead of OpenSSL's own, which asks at the terminal.
int without_passphrase(char*, int, int, void*) {
  return -1;
}

PemSource source_of(std::string_view pem) {
  return PemSource(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Certificate next_certificate(const PemSource& source) {
  return Certificate(source == nullptr ? nullptr
                                       : PEM_read_bio_X509(source.get(), nullptr, without_passphrase, nullptr));
}

Certificate first_certificate(std::string_view pem) {
  return next_certificate(source_of(pem));
}

/// "2026-06-17 09:30:00 UTC"
std::string time_text(const ASN1_TIME* time) {
  std::tm utc{};
  if (ASN1_TIME_to_tm(time, &utc) != 1) return "a time that cannot be read";
  char text[64];
  const size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return {text, size};
}

} // namespace

std::optional<Refusal> check_certificates(std::string_view pem, const std::string& what) {
  const QueueOfErrors errors;
  if (pem.size() > pem_bytes_max) return Refusal{what, "", "too large for certificates"};
  const PemSource source = source_of(pem);
  unsigned found = 0;
  while (next_certificate(source) != nullptr) ++found;
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!at_end) return Refusal{what, "", "certificate " + std::to_string(found + 1) + " is damaged"};
  if (found == 0) return Refusal{what, "", "no certificate in PEM"};
  return std::nullopt;
}

std::optional<Refusal> check_certificate_key(std::string_view key, const std::string& what,
                                             std::string_view certificates, const std::string& of) {
  const QueueOfErrors errors;
  if (key.size() > pem_bytes_max) return Refusal{what, "", "too large for a key"};
  if (key.find("ENCRYPTED") != key.npos) return Refusal{what, "", "a key with a passphrase"};
  const PemSource source = source_of(key);
  const std::unique_ptr<EVP_PKEY, Release> parsed(
      source == nullptr ? nullptr : PEM_read_bio_PrivateKey(source.get(), nullptr, without_passphrase, nullptr));
  if (parsed == nullptr) return Refusal{what, "", "no private key in PEM"};
  const Certificate certificate = first_certificate(certificates);
  if (certificate == nullptr || X509_check_private_key(certificate.get(), parsed.get()) != 1)
    return Refusal{what, "", "not the key of the certificate in " + of};
  return std::nullopt;
}

std::optional<Refusal> check_validity(std::string_view pem, const std::string& what, std::time_t now) {
  const QueueOfErrors errors;
  const Certificate certificate = first_certificate(pem);
  if (certificate == nullptr) return Refusal{what, "", "no certificate in PEM"};
  const ASN1_TIME* from = X509_get0_notBefore(certificate.get());
  const ASN1_TIME* until = X509_get0_notAfter(certificate.get());
  if (X509_cmp_time(until, &now) < 0) return Refusal{what, "", "the certificate expired on " + time_text(until)};
  if (X509_cmp_time(from, &now) > 0) return Refusal{what, "", "the certificate is not valid before " + time_text(from)};
  return std::nullopt;
}

bool is_certificate_of(std::string_view pem, const std::string& name) {
  const QueueOfErrors errors;
  const Certificate certificate = first_certificate(pem);
  // OpenSSL would take an empty name, and those that begin with a dot, for more than one.
  if (certificate == nullptr || name.empty() || name.front() == '.') return false;
  return X509_check_host(certificate.get(), name.data(), name.size(), X509_CHECK_FLAG_NO_WILDCARDS, nullptr) == 1;
}

} // namespace anytick::core
