#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

/// Certificates of authorities that live as long as a test.
namespace anytick::test {

/// PEM.
struct Certified {
  std::string certificate;
  std::string key;
};

struct Subject {
  std::string common_name;
  std::vector<std::string> alternative_names; ///< as OpenSSL has them: "DNS:hub.example", "IP:192.0.2.1"
  int64_t valid_from = -3600;                 ///< seconds from now
  int64_t valid_until = 86'400;
};

class Authority {
 public:
  explicit Authority(const std::string& common_name);
  ~Authority();

  const std::string& certificate() const { return certificate_; } ///< PEM
  Certified issue(const Subject& subject) const;

 private:
  struct Own;
  std::unique_ptr<Own> own_;
  std::string certificate_;
};

/// By nobody but itself.
Certified self_signed(const Subject& subject);

} // namespace anytick::test
