#include "control/json_source.h"

#include <algorithm>
#include <list>
#include <vector>

namespace anytick::control {
namespace {

using nlohmann::json;

constexpr size_t depth_max = 32;
constexpr size_t shown_max = 60;

/// Builds the value, because nlohmann's own builder silently keeps the last of several equal keys.
class Builder : public nlohmann::json_sax<json> {
 public:
  explicit Builder(Findings& findings) : findings_(findings) {}

  json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t& value) override { return put(std::move(value)); }
  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    Open& top = open_.back();
    top.key = key;
    const auto [at, fresh] = top.value->get_ref<json::object_t&>().try_emplace(key);
    if (!fresh) findings_.fault(here(), "this key stands twice");
    top.slot = fresh ? &at->second : &discarded_.emplace_back();
    return true;
  }

  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override {
    std::string reason = error.what();
    if (const size_t tag = reason.find("] "); reason.starts_with('[') && tag != reason.npos) reason.erase(0, tag + 2);
    findings_.fault("", reason);
    return false;
  }

 private:
  struct Open {
    json* value;
    json* slot; ///< of an object: where the value of `key` goes
    std::string key;
  };

  json& next() {
    if (open_.empty()) return root_;
    Open& top = open_.back();
    // An array grows only while no element of it is open, so that pointers to open values stay good.
    return top.value->is_array() ? top.value->emplace_back() : *top.slot;
  }
  template <class T> bool put(T&& value) {
    next() = std::forward<T>(value);
    return true;
  }
  bool open(json empty) {
    if (open_.size() == depth_max) {
      findings_.fault(here(), "nested more than " + std::to_string(depth_max) + " levels deep");
      return false;
    }
    json& value = next();
    value = std::move(empty);
    open_.push_back({&value, nullptr, {}});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  std::string here() const {
    std::string text;
    for (const Open& each : open_) {
      if (&each != &open_.front()) text += '/';
      // The last element of an array is the one that is open, unless the next one was only about to be.
      const size_t last = &each == &open_.back() ? each.value->size() : each.value->size() - 1;
      text += each.value->is_array() ? std::to_string(last) : each.key;
    }
    return text;
  }

  Findings& findings_;
  json root_;
  std::vector<Open> open_;
  std::list<json> discarded_; ///< values of keys that stood there already
};

} // namespace

std::string JsonPath::text() const {
  if (parent_ == nullptr) return "";
  const std::string own = is_index_ ? std::to_string(index_) : std::string(key_);
  return parent_->parent_ == nullptr ? own : parent_->text() + "/" + own;
}

std::optional<json> parse_json(std::string_view text, Findings& findings) {
  Builder builder(findings);
  if (!json::sax_parse(text, &builder)) return {};
  return builder.take();
}

bool is_utf8(std::string_view text) {
  if (std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return true;
  try {
    return !json(text).dump().empty();
  } catch (const json::type_error&) {
    return false;
  }
}

std::string shown(const json& value) {
  std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() <= shown_max) return text;
  size_t end = shown_max;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end; // not inside a UTF-8 sequence
  return text.substr(0, end) + "...";
}

} // namespace anytick::control
