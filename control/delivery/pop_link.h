#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/hub/config.h"
#include "control/push.h"
#include "control/registry/model.h"
#include "dataplane/pop.pb.h"

namespace anytick::delivery {

/// What a POP said, or why nothing came.
template <class Reply> struct Answer {
  std::optional<Reply> reply{};
  bool is_away = false; ///< nobody answered; else the call was refused
  std::string why{};    ///< empty with a reply

  explicit operator bool() const { return reply.has_value(); }
};

/// A POP of the registry as the hub reaches it: by TLS with the hub's certificate, or by a Unix socket without. Does
/// not throw. One thread's at a time.
class PopLink {
 public:
  /// `patience`: what a short call may take; a load may take `load_patience`.
  struct Patience {
    std::chrono::milliseconds call{10'000};
    std::chrono::milliseconds load{60'000};
  };
  /// Where the TLS files are wrong, or a POP by TCP needs some and there are none, all calls are refused with that.
  PopLink(const registry::Pop& pop, const hub::TlsConfig& tls, const Patience& patience);

  const registry::Pop& pop() const { return pop_; }
  const std::string& fault() const { return fault_; } ///< why no call can be made; "": they can
  Answer<pop::v1::StatusReply> status();
  Answer<pop::v1::LoadReply> load(std::span<const control::PushTable> tables, uint32_t confirm_seconds);
  Answer<pop::v1::ConfirmReply> confirm(uint64_t generation, const std::string& digest);
  Answer<pop::v1::RevertReply> revert(uint64_t generation);

 private:
  template <class Call> auto ask(Call call) -> Answer<decltype(call())>;

  registry::Pop pop_;
  std::optional<control::PopClient> calls_, loads_;
  std::string fault_;
};

} // namespace anytick::delivery
