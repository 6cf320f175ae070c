#include "control/delivery/revisions.h"

#include <algorithm>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "control/delivery/fault.h"
#include "control/store/database.h"
#include "control/text.h"
#include "dataplane/core/zone_image.h"

namespace anytick::delivery {
namespace {

// EVP_EncodeBlock() takes and returns ints.
constexpr size_t image_bytes_max = size_t{1} << 30;

std::string base64_of(std::span<const std::byte> bytes) {
  if (bytes.size() > image_bytes_max) throw Fault("an image of more than 1 GiB cannot be stored");
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length =
      ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(length));
  return text;
}

/// Nothing where it is no base64.
std::vector<std::byte> bytes_of(const std::string& base64) {
  std::vector<std::byte> bytes(base64.size() / 4 * 3);
  const int length =
      ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                        reinterpret_cast<const unsigned char*>(base64.data()), static_cast<int>(base64.size()));
  const size_t padding = base64.ends_with("==") ? 2 : base64.ends_with("=") ? 1 : 0;
  bytes.resize(length < 0 ? 0 : static_cast<size_t>(length) - padding);
  return bytes;
}

constexpr const char* columns = "SELECT serial, base, created, who, reason, checksum, digest, query_policy, CASE WHEN "
                                "image = '' THEN 0 ELSE 1 END FROM revisions ";

/// Rows of a SELECT that begins with `columns`; `uses` are bound in their order.
template <class... Uses> std::vector<Revision> rows(soci::session& sql, const std::string& rest, const Uses&... uses) {
  Revision row;
  store::Nullable<int64_t> base;
  int64_t whole = 0;
  soci::statement statement(sql);
  statement.exchange(soci::into(row.serial));
  statement.exchange(soci::into(base.value(), base.state()));
  statement.exchange(soci::into(row.created));
  for (std::string* text : {&row.who, &row.reason, &row.checksum, &row.digest, &row.query_policy})
    statement.exchange(soci::into(*text));
  statement.exchange(soci::into(whole));
  (statement.exchange(soci::use(uses)), ...);
  statement.alloc();
  statement.prepare(columns + rest);
  statement.define_and_bind();
  statement.execute();
  std::vector<Revision> found;
  while (statement.fetch()) {
    row.base = base.get();
    row.is_whole = whole != 0;
    found.push_back(row);
  }
  return found;
}

std::optional<Revision> first(std::vector<Revision> found) {
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::string read_column(soci::session& sql, const char* column, int64_t serial) {
  std::string text;
  sql << std::string("SELECT ") + column + " FROM revisions WHERE serial = :serial", soci::use(serial),
      soci::into(text);
  if (!sql.got_data()) throw Fault(fmt::format("there is no revision {}", serial));
  if (text.empty()) throw Fault(fmt::format("revision {} was pruned: its plan and image are gone", serial));
  return text;
}

int64_t greatest_serial(soci::session& sql) {
  int64_t greatest = 0;
  sql << "SELECT COALESCE(MAX(serial), 0) FROM revisions", soci::into(greatest);
  return greatest;
}

} // namespace

void store_revision(soci::session& sql, const Revision& revision, const std::string& plan,
                    std::span<const std::byte> image) {
  if (const int64_t greatest = greatest_serial(sql); revision.serial <= greatest)
    throw Fault(fmt::format("serial {} is not greater than {}, which was pushed", revision.serial, greatest));
  const std::string text = base64_of(image);
  store::Nullable<int64_t> base(revision.base);
  sql << "INSERT INTO revisions (serial, base, created, who, reason, checksum, plan, digest, query_policy, image) "
         "VALUES (:serial, :base, :created, :who, :reason, :checksum, :plan, :digest, :query_policy, :image)",
      soci::use(revision.serial), soci::use(base.value(), base.state()), soci::use(revision.created),
      soci::use(revision.who), soci::use(revision.reason), soci::use(revision.checksum), soci::use(plan),
      soci::use(revision.digest), soci::use(revision.query_policy), soci::use(text);
}

std::optional<Revision> find_revision(soci::session& sql, int64_t serial) {
  return first(rows(sql, "WHERE serial = :serial", serial));
}

Revision get_revision(soci::session& sql, int64_t serial) {
  if (auto found = find_revision(sql, serial)) return std::move(*found);
  throw Fault(fmt::format("there is no revision {}", serial));
}

std::optional<Revision> find_revision_by_digest(soci::session& sql, const std::string& digest) {
  return first(rows(sql, "WHERE digest = :digest ORDER BY serial DESC", digest));
}

std::vector<Revision> list_revisions(soci::session& sql, size_t limit) {
  return rows(sql, "ORDER BY serial DESC" + (limit > 0 ? " LIMIT " + std::to_string(limit) : ""));
}

std::string read_plan(soci::session& sql, int64_t serial) {
  return read_column(sql, "plan", serial);
}

std::vector<std::byte> read_image(soci::session& sql, int64_t serial) {
  std::vector<std::byte> bytes = bytes_of(read_column(sql, "image", serial));
  const auto image = core::ZoneImage::validate(bytes);
  const std::string what = fmt::format("the image of revision {} in the database", serial);
  if (!image) throw Fault(what + ": " + image.refusal().text());
  if (control::hex_text(image->header().digest) != get_revision(sql, serial).digest)
    throw Fault(what + " is another one than its digest says");
  return bytes;
}

int64_t next_serial(soci::session& sql, int64_t running, int64_t now) {
  return std::max(std::max(greatest_serial(sql), running) + 1, now);
}

size_t prune_revisions(soci::session& sql, size_t keep, const std::set<int64_t>& running) {
  int64_t serial = 0;
  std::vector<int64_t> whole;
  soci::statement query =
      (sql.prepare << "SELECT serial FROM revisions WHERE image <> '' ORDER BY serial DESC", soci::into(serial));
  query.execute();
  while (query.fetch()) whole.push_back(serial);
  size_t dropped = 0;
  for (size_t i = keep; i < whole.size(); ++i) {
    if (running.contains(whole[i])) continue;
    sql << "UPDATE revisions SET plan = '', query_policy = '', image = '' WHERE serial = :serial", soci::use(whole[i]);
    ++dropped;
  }
  return dropped;
}

} // namespace anytick::delivery
