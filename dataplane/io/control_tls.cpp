#include "dataplane/io/control_tls.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <spdlog/spdlog.h>

#include "dataplane/config_sections.h"
#include "dataplane/core/tls_pem.h"

namespace anytick::io {
namespace {

/// OpenSSL has verified the certificate by then: what is left is whose it is.
class ClientNames final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit ClientNames(std::vector<std::string> names) : names_(std::move(names)) {}

  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* status) override {
    const grpc::string_ref certificate = request->peer_cert();
    const std::string_view pem(certificate.data(), certificate.size());
    const bool known = names_.empty() || std::ranges::any_of(names_, [&](const std::string& name) {
                         return core::is_certificate_of(pem, name);
                       });
    if (!known) {
      const grpc::string_ref name = request->common_name();
      spdlog::warn("control by TCP: a client is refused: its certificate, of '{}', has none of the names",
                   std::string_view(name.data(), name.size()));
      *status = {grpc::StatusCode::UNAUTHENTICATED, "the certificate has none of the names"};
    }
    return true; // done at once
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::vector<std::string> names_;
};

} // namespace

std::shared_ptr<grpc::ServerCredentials> control_credentials(const ControlTlsConfig& config) {
  namespace tls = grpc::experimental;
  const auto files = std::make_shared<tls::FileWatcherCertificateProvider>(
      config.key, config.certificate, config.ca, static_cast<unsigned>(config.refresh.count()));
  tls::TlsServerCredentialsOptions options(files);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.set_certificate_verifier(tls::ExternalCertificateVerifier::Create<ClientNames>(config.names));
  return tls::TlsServerCredentials(options);
}

std::optional<Refusal> control_certificate_fault(const ControlTlsConfig& config, std::time_t now) {
  if (config.certificate.empty()) return std::nullopt;
  const Result<std::string> pem = read_text(config.certificate);
  if (!pem) return pem.refusal();
  return core::check_validity(*pem, config.certificate, now);
}

} // namespace anytick::io
