#include "control/registry/transfer_json.h"

#include <iterator>
#include <list>
#include <vector>

#include <fmt/format.h>

#include "control/json_source.h"
#include "control/registry/transfer_csv.h"
#include "control/scores/row_faults.h"

namespace anytick::registry::transfer {
namespace {

using nlohmann::json;

constexpr size_t levels_max = 33; // of a record, with static data of as many levels as roots take

/// The bytes of a file, until one record of it has too many.
class Source {
 public:
  explicit Source(scores::TextFile& file) : file_(file) {}

  bool at_end() { return too_large() || file_.at_end(); }
  char byte() const { return file_.byte(); }
  void next_byte() {
    file_.next_byte();
    ++size_;
  }
  void begin_record() { size_ = 0; }
  bool too_large() const { return size_ > record_max; }
  uint64_t line() const { return file_.lines() + 1; }

 private:
  scores::TextFile& file_;
  size_t size_ = 0;
};

/// Builds one record's value at a time, and tells which members it should not have.
class RecordBuilder {
 public:
  RecordBuilder(Source& source, TransferFaults& faults) : source_(source), faults_(faults) {}

  bool building() const { return !open_.empty(); }
  bool full() const { return open_.size() == levels_max; }
  const RawRow& row() const { return row_; }

  void begin(Kind kind, std::string path) {
    row_ = {.kind = kind, .place = {source_.line(), std::move(path)}};
    discarded_.clear();
    open_.push_back({&row_.members, nullptr});
  }
  void put(json value) { next() = std::move(value); }
  void open(json empty) {
    json& value = next();
    value = std::move(empty);
    open_.push_back({&value, nullptr});
  }
  void close() { open_.pop_back(); }

  void key(const std::string& name) {
    const bool member = open_.size() == 1;
    if (member) note_line(name);
    Open& top = open_.back();
    if (member && find_field(row_.kind, name) == nullptr) {
      tell(name, "is not known; " + std::string(name_of(row_.kind)) + " have " + field_names(row_.kind));
      top.slot = &discarded_.emplace_back();
      return;
    }
    const auto [at, fresh] = top.value->get_ref<json::object_t&>().try_emplace(name);
    if (!fresh) tell(name, "stands twice");
    top.slot = fresh ? &at->second : &discarded_.emplace_back();
  }

 private:
  struct Open {
    json* value;
    json* slot; ///< of an object: where the value of its last key goes
  };

  // An array grows only while no element of it is open, so that pointers to open values stay good.
  json& next() { return open_.back().value->is_array() ? open_.back().value->emplace_back() : *open_.back().slot; }
  void note_line(const std::string& name) {
    if (source_.line() != row_.place.line) row_.lines[name] = source_.line();
  }
  void tell(const std::string& name, const std::string& reason) {
    faults_.add({source_.line(), row_.place.path}, "member", name, reason);
  }

  Source& source_;
  TransferFaults& faults_;
  RawRow row_;
  std::vector<Open> open_;
  std::list<json> discarded_; ///< values of members that should not be there
};

class DocumentSax : public nlohmann::json_sax<json> {
 public:
  DocumentSax(Source& source, const std::set<Kind>& wanted, std::set<Kind>& present, const TakeRow& take,
              TransferFaults& faults)
      : source_(source), wanted_(wanted), present_(present), take_(take), faults_(faults), record_(source, faults) {}

  /// What a document must have in the end.
  bool complete() {
    if (!formatted_) tell("", fmt::format("no \"format\": \"{}\"", document_format));
    if (!versioned_) tell("", fmt::format("no \"version\": {}", document_version));
    return formatted_ && versioned_;
  }

  bool null() override { return scalar(nullptr); }
  bool boolean(bool value) override { return scalar(value); }
  bool number_integer(number_integer_t value) override { return scalar(value); }
  bool number_unsigned(number_unsigned_t value) override { return scalar(value); }
  bool number_float(number_float_t value, const string_t&) override { return scalar(value); }
  bool string(string_t& value) override { return scalar(std::move(value)); }
  bool binary(binary_t&) override { return scalar(nullptr); }
  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override;
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override;

 private:
  bool scalar(json value);
  bool open(json empty);
  bool close();
  bool take_head(const json& value);
  bool stop(const std::string& path, const std::string& reason) {
    tell(path, reason);
    return false;
  }
  void tell(const std::string& path, const std::string& reason) { faults_.add({source_.line(), path}, reason); }
  std::string element_path() const { return fmt::format("{}/{}", top_, index_); }

  Source& source_;
  const std::set<Kind>& wanted_;
  std::set<Kind>& present_;
  const TakeRow& take_;
  TransferFaults& faults_;
  RecordBuilder record_;
  size_t depth_ = 0;
  std::string top_;            ///< the document's member that is being read
  std::set<std::string> seen_; ///< and those before it
  std::optional<Kind> part_;   ///< its kind, if its records are wanted
  size_t index_ = 0;           ///< of a record in its part
  bool formatted_ = false, versioned_ = false;
};

bool DocumentSax::key(string_t& name) {
  if (record_.building()) {
    record_.key(name);
  } else if (depth_ == 1) {
    top_ = name;
    const auto kind = kind_by_name(name);
    part_ = kind && wanted_.contains(*kind) ? kind : std::nullopt;
    index_ = 0;
    if (!kind && name != "format" && name != "version")
      return stop("", fmt::format("member \"{}\" is not known", name));
    if (!seen_.insert(name).second) return stop(name, "stands twice");
    if (part_) present_.insert(*part_);
  }
  return true;
}

bool DocumentSax::take_head(const json& value) {
  if (top_ == "format") formatted_ = value == json(document_format);
  if (top_ == "version") versioned_ = value == json(document_version);
  if (top_ == "format" && !formatted_) return stop(top_, fmt::format("is not \"{}\"", document_format));
  if (top_ == "version" && !versioned_)
    return stop(top_, fmt::format("{}: this program reads version {}", control::shown(value), document_version));
  return true;
}

bool DocumentSax::scalar(json value) {
  if (record_.building()) {
    record_.put(std::move(value));
    return true;
  }
  source_.begin_record();
  if (depth_ == 0) return stop("", "is no JSON object");
  if (depth_ == 1) {
    if (part_) tell(top_, "is no list");
    return take_head(value);
  }
  if (depth_ == 2 && part_) {
    tell(element_path(), "is no JSON object");
    ++index_;
  }
  return true;
}

bool DocumentSax::open(json empty) {
  if (record_.building()) {
    if (record_.full()) return stop(record_.row().place.path, fmt::format("nested more than {} levels", levels_max));
    record_.open(std::move(empty));
    return true;
  }
  source_.begin_record();
  const bool array = empty.is_array();
  if (depth_ == 0 && array) return stop("", "is no JSON object");
  if (depth_ == 1) {
    if (part_ && !array) {
      tell(top_, "is no list");
      part_.reset();
    }
    if (!take_head(empty)) return false;
  }
  if (depth_ == 2 && part_) {
    if (!array) {
      record_.begin(*part_, element_path());
      return true;
    }
    tell(element_path(), "is no JSON object");
    ++index_;
  }
  ++depth_;
  return true;
}

bool DocumentSax::close() {
  if (!record_.building()) {
    source_.begin_record();
    --depth_;
    return true;
  }
  record_.close();
  if (record_.building()) return true;
  source_.begin_record();
  take_(record_.row());
  ++index_;
  return true;
}

bool DocumentSax::parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) {
  if (source_.too_large()) return stop("", "a record of more than 1 MiB begins before this line");
  // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
  std::string reason = error.what();
  if (const size_t tag = reason.find("] "); reason.starts_with('[') && tag != reason.npos) reason.erase(0, tag + 2);
  // It quotes what it did not understand, of whatever size.
  return stop("", scores::printable(reason, 200));
}

} // namespace

bool read_json(scores::TextFile& file, const std::set<Kind>& wanted, std::set<Kind>& present, const TakeRow& take,
               TransferFaults& faults) {
  Source source(file);
  DocumentSax sax(source, wanted, present, take, faults);
  return json::sax_parse(scores::ByteIterator<Source>(source), scores::ByteIterator<Source>(), &sax) && sax.complete();
}

} // namespace anytick::registry::transfer
