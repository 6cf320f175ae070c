#include "dataplane/io/ntp_threads.h"

#include <algorithm>
#include <span>
#include <utility>

namespace anytick::io {

Result<NtpThreads> NtpThreads::make(const NtpConfig& config, unsigned threads, const ThreadNodes& nodes) {
  using Entry = core::InterleaveTable::Entry;
  NtpThreads made;
  for (unsigned i = 0; i < threads; ++i) {
    Result<core::NtpKeys> keys = core::NtpKeys::make(config.keys);
    if (!keys) return keys.refusal();
    auto thread = std::make_unique<Thread>(Thread{std::move(*keys), std::nullopt, nullptr});
    if (config.interleaved) {
      Result<TableMemory> memory = TableMemory::reserve(config.interleaved_clients * sizeof(Entry), nodes.of(i));
      if (!memory) return Refusal{"ntp.interleaved_clients", "", memory.refusal().text()};
      thread->memory = std::move(*memory);
      const std::span<std::byte> bytes = thread->memory->writable();
      std::ranges::fill(bytes, std::byte{0});
      thread->interleave = std::make_unique<core::InterleaveTable>(
          std::span(reinterpret_cast<Entry*>(bytes.data()), config.interleaved_clients));
    }
    made.threads_.push_back(std::move(thread));
  }
  return made;
}

} // namespace anytick::io
