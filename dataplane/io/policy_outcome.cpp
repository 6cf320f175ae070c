#include "dataplane/io/policy_outcome.h"

#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace anytick::io {
namespace {

constexpr std::string_view compiled_mark = "compiled";
constexpr std::string_view refused_mark = "refused!";

void append(std::string& bytes, std::string_view text) {
  const uint64_t size = text.size();
  bytes.append(reinterpret_cast<const char*>(&size), sizeof(size));
  bytes.append(text);
}

/// Whether the bytes are the mark and these texts, which then are filled in.
bool read_as(std::string_view bytes, std::string_view mark, std::initializer_list<std::string*> texts) {
  if (!bytes.starts_with(mark)) return false;
  bytes.remove_prefix(mark.size());
  for (std::string* text : texts) {
    uint64_t size = 0;
    if (bytes.size() < sizeof(size)) return false;
    std::memcpy(&size, bytes.data(), sizeof(size));
    bytes.remove_prefix(sizeof(size));
    if (bytes.size() < size) return false;
    *text = bytes.substr(0, size);
    bytes.remove_prefix(size);
  }
  return bytes.empty();
}

} // namespace

std::string write_outcome(const Result<core::CompiledPatterns>& outcome) {
  std::string bytes(outcome ? compiled_mark : refused_mark);
  if (outcome) {
    append(bytes, outcome->misses);
    append(bytes, outcome->all);
  } else {
    const Refusal& refusal = outcome.refusal();
    for (const std::string* text : {&refusal.what, &refusal.where, &refusal.reason}) append(bytes, *text);
  }
  return bytes;
}

Result<core::CompiledPatterns> read_outcome(std::string_view bytes) {
  core::CompiledPatterns compiled;
  if (read_as(bytes, compiled_mark, {&compiled.misses, &compiled.all})) return compiled;
  Refusal refusal;
  if (read_as(bytes, refused_mark, {&refusal.what, &refusal.where, &refusal.reason})) return refusal;
  return Refusal{"policy", "", "its compiler ended without an outcome"};
}

} // namespace anytick::io
