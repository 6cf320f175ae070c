#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace anytick::scores {

/// A member of a record: a Cell for Fitting.
class Scalar {
 public:
  enum class Kind : uint8_t { absent, boolean, whole, number, text, structure };

  void clear() { kind_ = Kind::absent; }
  void set_boolean(bool value);
  void set_whole(int64_t value);
  void set_number(double value);
  void set_text(const std::string& value);
  void set_structure() { kind_ = Kind::structure; }

  bool absent() const { return kind_ == Kind::absent; } ///< not there or null
  std::optional<bool> boolean() const;
  std::optional<int64_t> whole() const;
  std::optional<double> number() const;
  std::optional<std::string_view> text() const;
  std::string_view shown() const; ///< a text's value

 private:
  Kind kind_ = Kind::absent;
  bool boolean_ = false;
  int64_t whole_ = 0;
  double number_ = 0;
  std::string text_; ///< keeps its memory from record to record
};

/// The members of one record that its reader knows by name; others are passed over.
class Record {
 public:
  /// The names must outlive it.
  explicit Record(std::span<const std::string_view> names) : names_(names), members_(names.size()) {}

  void clear();
  /// The next value is of this name. False: it stood there already.
  bool select(std::string_view name);
  /// Of the value that comes next; nullptr: nobody reads it.
  Scalar* selected() { return selected_; }

  const Scalar& operator[](size_t index) const { return members_[index]; }

 private:
  std::span<const std::string_view> names_;
  std::vector<Scalar> members_;
  Scalar* selected_ = nullptr;
};

/// Walks through a JSON text (RFC 8259) of any size and hands over the objects that are records.
class RecordSax : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool value) override;
  bool number_integer(number_integer_t value) override;
  bool number_unsigned(number_unsigned_t value) override;
  bool number_float(number_float_t value, const string_t&) override;
  bool string(string_t& value) override;
  bool binary(binary_t&) override { return true; }
  bool start_object(size_t) override;
  bool start_array(size_t) override;
  bool key(string_t& name) override;
  bool end_object() override;
  bool end_array() override;
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) override;

  const std::string& failure() const { return failure_; } ///< of the parser; "" none

 protected:
  /// An object begins: the record that its members go to, or nullptr. `depth` is 1 for the whole text's; `top` is the
  /// member of the whole text's object that it is in.
  virtual Record* begin(size_t depth, std::string_view top) = 0;
  virtual void end(Record& record) = 0;
  /// An array begins, outside of records.
  virtual void begin_array(size_t depth, std::string_view top) = 0;
  /// A name stands twice in the record.
  virtual void repeated(Record& record, std::string_view name) = 0;

 private:
  Scalar* slot();

  size_t depth_ = 0;
  size_t record_depth_ = 0;
  Record* record_ = nullptr;
  std::string top_;
  std::string failure_;
};

} // namespace anytick::scores
