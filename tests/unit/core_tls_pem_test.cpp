#include <ctime>
#include <string>

#include <gtest/gtest.h>

#include "dataplane/core/tls_pem.h"
#include "tests/unit/certificates.h"

namespace anytick::core {
namespace {

using test::Authority;
using test::Certified;

std::string text_of(const std::optional<Refusal>& refusal) {
  return refusal ? refusal->text() : "";
}

class TlsPem : public testing::Test {
 protected:
  Authority authority_{"test authority"};
  Certified hub_ = authority_.issue({"hub", {"DNS:hub.pool.example", "DNS:Other.example", "IP:192.0.2.1"}});
  Certified named_ = authority_.issue({"hub.pool.example", {}});
};

TEST_F(TlsPem, CertificatesAreReadToTheLast) {
  EXPECT_EQ(text_of(check_certificates(hub_.certificate, "F")), "");
  EXPECT_EQ(
      text_of(check_certificates("of the hub\n" + hub_.certificate + "of its CA\n" + authority_.certificate(), "F")),
      "");
  EXPECT_EQ(text_of(check_certificates("", "F")), "F: no certificate in PEM");
  EXPECT_EQ(text_of(check_certificates(hub_.key, "F")), "F: no certificate in PEM");
  std::string damaged = authority_.certificate();
  damaged[damaged.size() / 2] = '!';
  EXPECT_EQ(text_of(check_certificates(hub_.certificate + damaged, "F")), "F: certificate 2 is damaged");
  EXPECT_EQ(text_of(check_certificates(hub_.certificate.substr(0, 200), "F")), "F: certificate 1 is damaged");
  EXPECT_EQ(text_of(check_certificates(std::string(5u << 20, '\n'), "F")), "F: too large for certificates");
}

TEST_F(TlsPem, KeyIsThatOfTheFirstCertificate) {
  const std::string chain = hub_.certificate + authority_.certificate();
  EXPECT_EQ(text_of(check_certificate_key(hub_.key, "K", chain, "C")), "");
  EXPECT_EQ(text_of(check_certificate_key(hub_.key, "K", authority_.certificate() + hub_.certificate, "C")),
            "K: not the key of the certificate in C");
  EXPECT_EQ(text_of(check_certificate_key(named_.key, "K", chain, "C")), "K: not the key of the certificate in C");
  EXPECT_EQ(text_of(check_certificate_key(hub_.certificate, "K", chain, "C")), "K: no private key in PEM");
  EXPECT_EQ(text_of(check_certificate_key("-----BEGIN ENCRYPTED PRIVATE KEY-----", "K", chain, "C")),
            "K: a key with a passphrase");
}

TEST_F(TlsPem, ValidityIsToldWithItsEnd) {
  const std::time_t now = std::time(nullptr);
  EXPECT_EQ(text_of(check_validity(hub_.certificate, "F", now)), "");
  EXPECT_EQ(text_of(check_validity(hub_.certificate, "F", now + 2 * 86'400)).find("F: the certificate expired on 20"),
            0u);
  EXPECT_EQ(
      text_of(check_validity(hub_.certificate, "F", now - 86'400)).find("F: the certificate is not valid before "), 0u);
  // As of this certificate: 2001-09-09 01:46:40 UTC.
  const Certified old = authority_.issue({"old", {}, 999'996'400 - now, 1'000'000'000 - now});
  const std::string text = text_of(check_validity(old.certificate, "F", now));
  EXPECT_EQ(text.find("F: the certificate expired on 2001-09-09 01:46:"), 0u) << text;
}

TEST_F(TlsPem, NamesAreWhole) {
  EXPECT_TRUE(is_certificate_of(hub_.certificate, "hub.pool.example"));
  EXPECT_TRUE(is_certificate_of(hub_.certificate, "HUB.pool.example"));
  EXPECT_TRUE(is_certificate_of(hub_.certificate, "other.example"));
  for (const char* name : {"hub", "pool.example", "a.hub.pool.example", "192.0.2.1", "", ".", ".example", "*.example"})
    EXPECT_FALSE(is_certificate_of(hub_.certificate, name)) << name;
  EXPECT_TRUE(is_certificate_of(named_.certificate, "hub.pool.example")) << "a common name where there is nothing else";
  EXPECT_FALSE(
      is_certificate_of(authority_.issue({"hub.pool.example", {"DNS:x.example"}}).certificate, "hub.pool.example"));
  EXPECT_FALSE(is_certificate_of(authority_.issue({"x", {"DNS:*.pool.example"}}).certificate, "hub.pool.example"));
  EXPECT_FALSE(is_certificate_of("", "hub.pool.example"));
}

} // namespace
} // namespace anytick::core
