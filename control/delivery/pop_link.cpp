#include "control/delivery/pop_link.h"

#include <fmt/format.h>

#include "control/command.h"

namespace anytick::delivery {

namespace {

std::optional<control::PopTls> tls_of(const registry::Pop& pop, const hub::TlsConfig& tls) {
  if (pop.target.starts_with("unix:")) return std::nullopt;
  if (tls.ca.empty())
    throw control::CommandFailure(control::exit_refused, fmt::format("POP {} at {}: POPs are reached by TCP with TLS "
                                                                     "alone, and hub.toml has no [tls]",
                                                                     pop.name, pop.target));
  return control::PopTls{tls.ca, tls.certificate, tls.key, pop.tls_name};
}

} // namespace

PopLink::PopLink(const registry::Pop& pop, const hub::TlsConfig& tls, const Patience& patience) : pop_(pop) {
  try {
    calls_.emplace(pop.target, patience.call, tls_of(pop, tls));
    loads_.emplace(pop.target, patience.load, tls_of(pop, tls));
  } catch (const control::CommandFailure& failure) {
    fault_ = failure.what();
  }
}

template <class Call> auto PopLink::ask(Call call) -> Answer<decltype(call())> {
  if (!fault_.empty()) return {std::nullopt, false, fault_};
  try {
    return {call(), false, ""};
  } catch (const control::CommandFailure& failure) {
    // The client begins with "POP " and the target, which whoever asks for a POP by its name knows.
    std::string why = failure.what();
    const std::string prefix = "POP " + pop_.target + ": ";
    if (why.starts_with(prefix)) why.erase(0, prefix.size());
    return {std::nullopt, failure.exit_code == control::exit_unreachable, std::move(why)};
  }
}

Answer<pop::v1::StatusReply> PopLink::status() {
  return ask([&] { return calls_->status(); });
}

Answer<pop::v1::LoadReply> PopLink::load(std::span<const control::PushTable> tables, uint32_t confirm_seconds) {
  return ask([&] {
    return loads_->load(
        tables, [](size_t, size_t) {}, std::chrono::seconds(confirm_seconds));
  });
}

Answer<pop::v1::ConfirmReply> PopLink::confirm(uint64_t generation, const std::string& digest) {
  control::TableInfos meant;
  meant.Add()->set_digest(digest);
  return ask([&] { return calls_->confirm(generation, meant); });
}

Answer<pop::v1::RevertReply> PopLink::revert(uint64_t generation) {
  return ask([&] { return calls_->revert(generation); });
}

} // namespace anytick::delivery
