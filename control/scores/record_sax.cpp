#include "control/scores/record_sax.h"

#include <algorithm>
#include <limits>

#include "control/scores/row_faults.h"

namespace anytick::scores {
namespace {

constexpr size_t failure_max = 200;

} // namespace

void Scalar::set_boolean(bool value) {
  kind_ = Kind::boolean;
  boolean_ = value;
}

void Scalar::set_whole(int64_t value) {
  kind_ = Kind::whole;
  whole_ = value;
}

void Scalar::set_number(double value) {
  kind_ = Kind::number;
  number_ = value;
}

void Scalar::set_text(const std::string& value) {
  kind_ = Kind::text;
  text_ = value;
}

std::optional<bool> Scalar::boolean() const {
  if (kind_ != Kind::boolean) return {};
  return boolean_;
}

std::optional<int64_t> Scalar::whole() const {
  if (kind_ != Kind::whole) return {};
  return whole_;
}

std::optional<double> Scalar::number() const {
  if (kind_ == Kind::whole) return static_cast<double>(whole_);
  if (kind_ != Kind::number) return {};
  return number_;
}

std::optional<std::string_view> Scalar::text() const {
  if (kind_ != Kind::text) return {};
  return text_;
}

std::string_view Scalar::shown() const {
  return text().value_or("");
}

void Record::clear() {
  for (Scalar& each : members_) each.clear();
  selected_ = nullptr;
}

bool Record::select(std::string_view name) {
  const auto found = std::find(names_.begin(), names_.end(), name);
  selected_ = found == names_.end() ? nullptr : &members_[static_cast<size_t>(found - names_.begin())];
  return selected_ == nullptr || selected_->absent();
}

Scalar* RecordSax::slot() {
  return record_ != nullptr && depth_ == record_depth_ ? record_->selected() : nullptr;
}

bool RecordSax::boolean(bool value) {
  if (Scalar* to = slot()) to->set_boolean(value);
  return true;
}

bool RecordSax::number_integer(number_integer_t value) {
  if (Scalar* to = slot()) to->set_whole(value);
  return true;
}

bool RecordSax::number_unsigned(number_unsigned_t value) {
  Scalar* const to = slot();
  if (to == nullptr) return true;
  if (value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    to->set_whole(static_cast<int64_t>(value));
  else
    to->set_number(static_cast<double>(value));
  return true;
}

bool RecordSax::number_float(number_float_t value, const string_t&) {
  if (Scalar* to = slot()) to->set_number(value);
  return true;
}

bool RecordSax::string(string_t& value) {
  if (Scalar* to = slot()) to->set_text(value);
  return true;
}

bool RecordSax::start_object(size_t) {
  if (Scalar* to = slot()) to->set_structure();
  ++depth_;
  if (record_ != nullptr) return true;
  record_ = begin(depth_, top_);
  record_depth_ = depth_;
  if (record_ != nullptr) record_->clear();
  return true;
}

bool RecordSax::start_array(size_t) {
  if (Scalar* to = slot()) to->set_structure();
  ++depth_;
  if (record_ == nullptr) begin_array(depth_, top_);
  return true;
}

bool RecordSax::key(string_t& name) {
  if (record_ == nullptr) {
    if (depth_ == 1) top_ = name;
  } else if (depth_ == record_depth_ && !record_->select(name)) {
    repeated(*record_, name);
  }
  return true;
}

bool RecordSax::end_object() {
  if (record_ != nullptr && depth_ == record_depth_) {
    end(*record_);
    record_ = nullptr;
  }
  --depth_;
  return true;
}

bool RecordSax::end_array() {
  --depth_;
  return true;
}

bool RecordSax::parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) {
  failure_ = error.what();
  // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
  if (const size_t tag = failure_.find("] "); failure_.starts_with('[') && tag != failure_.npos)
    failure_.erase(0, tag + 2);
  // It quotes what it did not understand, of whatever size.
  if (failure_.size() > failure_max) failure_ = printable(failure_, failure_max);
  return false;
}

} // namespace anytick::scores
