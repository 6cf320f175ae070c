#include "tests/unit/certificates.h"

#include <atomic>
#include <stdexcept>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace anytick::test {
namespace {

struct Release {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
using KeyPair = std::unique_ptr<EVP_PKEY, Release>;
using X509Pointer = std::unique_ptr<X509, Release>;

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("OpenSSL: ") + what);
}

KeyPair new_key() {
  KeyPair key(EVP_EC_gen("P-256"));
  must(key != nullptr, "no key");
  return key;
}

template <class Write> std::string pem_of(Write write) {
  const std::unique_ptr<BIO, Release> bio(BIO_new(BIO_s_mem()));
  must(write(bio.get()) == 1, "no PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

std::string pem_of(const X509Pointer& certificate) {
  return pem_of([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate.get()); });
}

std::string pem_of(const KeyPair& key) {
  return pem_of(
      [&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Release> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, value.c_str());
}

/// Without extensions and not signed yet. `issuer`: null for itself.
X509Pointer begin(const Subject& subject, EVP_PKEY* key, const X509* issuer) {
  static std::atomic<int> serial{1};
  X509Pointer certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial.fetch_add(1));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), subject.valid_from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), subject.valid_until);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const auto* text = reinterpret_cast<const unsigned char*>(subject.common_name.c_str());
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1, "no name");
  must(X509_set_issuer_name(certificate.get(), issuer != nullptr ? X509_get_subject_name(issuer) : name) == 1,
       "issuer");
  must(X509_set_pubkey(certificate.get(), key) == 1, "no public key");
  return certificate;
}

void add_names(X509* certificate, X509* issuer, const Subject& subject) {
  std::string names;
  for (const std::string& name : subject.alternative_names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) extend(certificate, issuer, NID_subject_alt_name, names);
}

void sign(const X509Pointer& certificate, EVP_PKEY* key) {
  must(X509_sign(certificate.get(), key, EVP_sha256()) > 0, "not signed");
}

} // namespace

struct Authority::Own {
  KeyPair key = new_key();
  X509Pointer certificate;
};

Authority::Authority(const std::string& common_name) : own_(std::make_unique<Own>()) {
  own_->certificate = begin({common_name, {}}, own_->key.get(), nullptr);
  X509* certificate = own_->certificate.get();
  extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
  extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(certificate, certificate, NID_subject_key_identifier, "hash");
  sign(own_->certificate, own_->key.get());
  certificate_ = pem_of(own_->certificate);
}

Authority::~Authority() = default;

Certified Authority::issue(const Subject& subject) const {
  const KeyPair key = new_key();
  const X509Pointer certificate = begin(subject, key.get(), own_->certificate.get());
  extend(certificate.get(), own_->certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_names(certificate.get(), own_->certificate.get(), subject);
  sign(certificate, own_->key.get());
  return {pem_of(certificate), pem_of(key)};
}

Certified self_signed(const Subject& subject) {
  const KeyPair key = new_key();
  const X509Pointer certificate = begin(subject, key.get(), nullptr);
  add_names(certificate.get(), certificate.get(), subject);
  sign(certificate, key.get());
  return {pem_of(certificate), pem_of(key)};
}

} // namespace anytick::test
