#include "dataplane/io/upload.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

namespace anytick::io {
namespace {

/// Where ZoneHeader and geo::Map keep their digest. A policy has no header.
constexpr size_t digest_offset = 16;
constexpr size_t digest_bytes = 32;

UploadFault violation(std::string reason) {
  return {UploadFault::Kind::violation, std::move(reason)};
}
UploadFault refused(std::string reason) {
  return {UploadFault::Kind::refused, std::move(reason)};
}

std::optional<TableKind> kind_of(pop::v1::TableKind kind) {
  switch (kind) {
  case pop::v1::TABLE_KIND_ZONE:
    return TableKind::zone;
  case pop::v1::TABLE_KIND_GEO:
    return TableKind::geo;
  case pop::v1::TABLE_KIND_POLICY:
    return TableKind::policy;
  default:
    return std::nullopt;
  }
}

/// That of its own header, or of all its bytes.
bool has_digest(TableKind kind, std::span<const std::byte> table, std::string_view announced) {
  if (kind != TableKind::policy) return std::memcmp(table.data() + digest_offset, announced.data(), digest_bytes) == 0;
  const auto digest = core::policy_digest(table);
  return std::memcmp(digest.data(), announced.data(), digest_bytes) == 0;
}

} // namespace

std::optional<UploadFault> Upload::take(const pop::v1::LoadRequest& part) {
  switch (part.part_case()) {
  case pop::v1::LoadRequest::kBegin:
    return begin(part.begin());
  case pop::v1::LoadRequest::kChunk:
    return append(part.chunk());
  default:
    return violation("a part that is neither begin nor chunk");
  }
}

std::optional<UploadFault> Upload::begin(const pop::v1::LoadBegin& begin) {
  if (std::exchange(begun_, true)) return violation("a second begin");
  if (begin.protocol() != protocol_version) {
    return violation(fmt::format("protocol {} is not spoken here, only {}", begin.protocol(), protocol_version));
  }
  if (begin.tables().empty()) return violation("no table is announced");
  if (begin.confirm_seconds() > confirm_seconds_max)
    return violation(fmt::format("confirm_seconds {} is above {}", begin.confirm_seconds(), confirm_seconds_max));
  confirm_within_ = std::chrono::seconds(begin.confirm_seconds());
  for (const pop::v1::TableHead& head : begin.tables()) {
    if (auto fault = announce(head)) return fault;
  }
  return std::nullopt;
}

std::optional<UploadFault> Upload::announce(const pop::v1::TableHead& head) {
  const auto kind = kind_of(head.kind());
  if (!kind) return violation(fmt::format("table kind {} is not known", static_cast<int>(head.kind())));
  if (std::ranges::any_of(tables_, [&](const Incoming& table) { return table.kind == *kind; })) {
    return violation(fmt::format("{}: announced twice", table_name(*kind)));
  }
  if (head.digest().size() != digest_bytes) {
    return violation(
        fmt::format("{}: a digest has {} bytes, not {}", table_name(*kind), digest_bytes, head.digest().size()));
  }
  core::Signature signature{};
  if (!head.signature().empty() && head.signature().size() != signature.size()) {
    return violation(fmt::format("{}: a signature has {} bytes, not {}", table_name(*kind), signature.size(),
                                 head.signature().size()));
  }
  if (auto fault = check_size(*kind, head.size())) return fault;
  Result<TableMemory> memory = TableMemory::reserve(head.size());
  if (!memory) return refused(memory.refusal().text());
  Signatures signatures;
  if (!head.signature().empty()) {
    std::memcpy(signature.data(), head.signature().data(), signature.size());
    signatures.push_back(signature);
  }
  tables_.push_back({*kind, std::move(*memory), head.digest(), std::move(signatures)});
  return std::nullopt;
}

std::optional<UploadFault> Upload::check_size(TableKind kind, uint64_t size) const {
  if (kind != TableKind::policy && size < digest_offset + digest_bytes)
    return refused(fmt::format("{}: {} bytes are too few for a table", table_name(kind), size));
  if (size > max_table_bytes_)
    return refused(
        fmt::format("{}: {} bytes are more than max_table_bytes, {}", table_name(kind), size, max_table_bytes_));
  if (kind == TableKind::policy && size > core::PolicyBounds::text)
    return refused(fmt::format("{}: {} bytes are more than a policy may have, {}", table_name(kind), size,
                               core::PolicyBounds::text));
  return std::nullopt;
}

std::optional<UploadFault> Upload::append(std::string_view chunk) {
  if (!begun_) return violation("a chunk before begin");
  if (chunk.empty()) return violation("an empty chunk");
  if (chunk.size() > chunk_max) return violation(fmt::format("a chunk of {} bytes, above {}", chunk.size(), chunk_max));
  while (!chunk.empty()) {
    if (filling_ == tables_.size()) return violation(fmt::format("{} bytes more than announced", chunk.size()));
    Incoming& table = tables_[filling_];
    const std::span<std::byte> rest = table.memory.writable().subspan(table.filled);
    const size_t n = std::min(chunk.size(), rest.size());
    std::memcpy(rest.data(), chunk.data(), n);
    table.filled += n;
    chunk.remove_prefix(n);
    if (n == rest.size()) ++filling_;
  }
  return std::nullopt;
}

std::optional<UploadFault> Upload::finish() const {
  if (!begun_) return violation("a stream without begin");
  for (const Incoming& table : tables_) {
    const std::span<const std::byte> bytes = table.memory.bytes();
    if (table.filled != bytes.size()) {
      return violation(
          fmt::format("{}: ended after {} of {} bytes", table_name(table.kind), table.filled, bytes.size()));
    }
    if (!has_digest(table.kind, bytes, table.digest)) {
      return refused(fmt::format("{}: its digest is not the announced one", table_name(table.kind)));
    }
  }
  return std::nullopt;
}

NewTables Upload::take_tables() {
  NewTables tables;
  for (Incoming& table : tables_) {
    tables.of(table.kind) = NewTable{std::move(table.memory), std::move(table.signatures)};
  }
  tables_.clear();
  return tables;
}

} // namespace anytick::io
