#include "control/registry/transfer_csv.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "control/json_source.h"
#include "geo/text.h"

namespace anytick::registry::transfer {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf"; // spreadsheets put it before UTF-8

/// Takes a file apart into records of cells.
class Splitter {
 public:
  explicit Splitter(scores::TextFile& file) : file_(file) {}

  enum class Next { record, fault, end };
  Next next();

  const std::vector<std::string>& cells() const { return cells_; }
  const char* reason() const { return reason_; } ///< of a fault
  uint64_t line() const { return line_; }        ///< on which the record begins

 private:
  enum class In { cell, quotes, behind_quotes };

  /// False: the record ends.
  bool take(char c);
  bool take_quoted(char c);
  Next end_record();
  Next refuse(char last);

  scores::TextFile& file_;
  std::vector<std::string> cells_;
  In in_ = In::cell;
  bool in_first_cell_ = true; ///< of the file
  size_t size_ = 0;
  const char* reason_ = nullptr;
  uint64_t line_ = 0;
};

bool Splitter::take_quoted(char c) {
  std::string& cell = cells_.back();
  if (c == '"')
    in_ = In::behind_quotes;
  else if (c == '\n' && cell.ends_with('\r'))
    cell.back() = c; // a line break of the kind that ends records
  else
    cell += c;
  return true;
}

bool Splitter::take(char c) {
  if (in_ == In::quotes) return take_quoted(c);
  if (in_first_cell_ && cells_.back() == byte_order_mark) cells_.back().clear();
  if (c == '\n') return false;
  if (c == ',') {
    cells_.emplace_back();
    in_ = In::cell;
    in_first_cell_ = false;
    return true;
  }
  if (in_ == In::behind_quotes) {
    if (c == '"') {
      cells_.back() += c;
      in_ = In::quotes;
    } else if (c != '\r') {
      reason_ = "something stands behind the quotes of a cell";
    }
    return true;
  }
  if (c != '"')
    cells_.back() += c;
  else if (cells_.back().empty())
    in_ = In::quotes;
  else
    reason_ = "quotes stand inside a cell that has none around it";
  return true;
}

Splitter::Next Splitter::next() {
  if (file_.at_end()) return Next::end;
  cells_.assign(1, "");
  in_ = In::cell;
  size_ = 0;
  reason_ = nullptr;
  line_ = file_.lines() + 1;
  while (!file_.at_end()) {
    const char c = file_.byte();
    file_.next_byte();
    const bool more = take(c);
    if (++size_ > record_max) reason_ = "the record has more than 1 MiB";
    if (reason_ != nullptr) return refuse(c);
    if (!more) return end_record();
  }
  if (in_ == In::quotes) reason_ = "the quotes of a cell do not end";
  return reason_ == nullptr ? end_record() : Next::fault;
}

Splitter::Next Splitter::end_record() {
  in_first_cell_ = false;
  // Inside quotes, it would be the cell's.
  if (in_ == In::cell && cells_.back().ends_with('\r')) cells_.back().pop_back();
  return Next::record;
}

/// The line of the fault is passed over.
Splitter::Next Splitter::refuse(char last) {
  while (last != '\n' && !file_.at_end()) {
    last = file_.byte();
    file_.next_byte();
  }
  return Next::fault;
}

json whole_value(std::string_view cell) {
  const auto number = geo::number_of<uint64_t>(cell);
  return number ? json(*number) : json(cell);
}

json flag_value(std::string_view cell) {
  if (cell == "true") return true;
  if (cell == "false") return false;
  return json(cell);
}

/// The cell itself where it is no list of pairs, or has a name twice.
json pairs_value(std::string_view cell, bool numbers) {
  json pairs = json::object();
  for (const std::string_view word : geo::words_of(cell)) {
    const size_t sign = word.rfind('='); // an e-mail address may have one, too
    if (sign == word.npos || sign == 0) return json(cell);
    const std::string_view value = word.substr(sign + 1);
    const auto [at, fresh] = pairs.get_ref<json::object_t&>().emplace(word.substr(0, sign), json());
    if (!fresh) return json(cell);
    at->second = numbers ? whole_value(value) : json(value);
  }
  return pairs;
}

json object_value(std::string_view cell) {
  control::Findings findings("");
  auto value = control::parse_json(cell, findings);
  return value && findings.faults() == 0 ? std::move(*value) : json(cell);
}

/// As JSON has it; what is no value of its type stays the text that it is.
json value_of(FieldType type, const std::string& cell) {
  switch (type) {
  case FieldType::text:
    return cell;
  case FieldType::whole:
  case FieldType::time:
    return cell.empty() ? json() : whole_value(cell);
  case FieldType::flag:
    return flag_value(cell);
  case FieldType::words: {
    json words = json::array();
    for (const std::string_view word : geo::words_of(cell)) words.push_back(word);
    return words;
  }
  case FieldType::pairs:
  case FieldType::numbers:
    return pairs_value(cell, type == FieldType::numbers);
  case FieldType::object:
    break;
  }
  return object_value(cell);
}

class Reader {
 public:
  Reader(scores::TextFile& file, Kind kind, const TakeRow& take, TransferFaults& faults)
      : splitter_(file), kind_(kind), take_(take), faults_(faults) {}

  bool read();

 private:
  bool read_header();
  void read_record();
  void fault(std::string_view reason) { faults_.add({splitter_.line(), ""}, reason); }

  Splitter splitter_;
  Kind kind_;
  const TakeRow& take_;
  TransferFaults& faults_;
  std::vector<const Field*> columns_;
};

bool Reader::read_header() {
  const Splitter::Next next = splitter_.next();
  if (next != Splitter::Next::record) {
    faults_.add({1, ""}, next == Splitter::Next::end ? "no header with the names of columns" : splitter_.reason());
    return false;
  }
  const std::vector<std::string>& names = splitter_.cells();
  bool good = true;
  const auto refuse = [&](const std::string& reason) {
    fault(reason);
    good = false;
  };
  for (const std::string& name : names) {
    const Field* field = find_field(kind_, name);
    if (field == nullptr)
      refuse(fmt::format("column \"{}\" is not known; {} have {}", name.substr(0, 60), name_of(kind_),
                         field_names(kind_)));
    else if (std::ranges::find(columns_, field) != columns_.end())
      refuse(fmt::format("column {} stands twice", name));
    columns_.push_back(field);
  }
  const Field& key = fields_of(kind_).front();
  if (good && std::ranges::find(columns_, &key) == columns_.end())
    refuse(fmt::format("no column {}, which says what a line is about", key.name));
  return good;
}

void Reader::read_record() {
  const std::vector<std::string>& cells = splitter_.cells();
  if (cells.size() == 1 && cells[0].empty()) return; // an empty line
  if (cells.size() != columns_.size())
    return fault(fmt::format("{} cells, but the header names {} columns", cells.size(), columns_.size()));
  RawRow row{.kind = kind_, .place = {splitter_.line(), ""}};
  for (size_t i = 0; i < cells.size(); ++i) {
    if (!control::is_utf8(cells[i])) return fault(fmt::format("{} is not in UTF-8", columns_[i]->name));
    row.members[std::string(columns_[i]->name)] = value_of(columns_[i]->type, cells[i]);
  }
  take_(row);
}

bool Reader::read() {
  if (!read_header()) return false;
  while (true) {
    switch (splitter_.next()) {
    case Splitter::Next::record:
      read_record();
      break;
    case Splitter::Next::fault:
      fault(splitter_.reason());
      break;
    case Splitter::Next::end:
      return true;
    }
  }
}

std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == cell.npos) return cell;
  std::string text = "\"";
  for (const char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

std::string cell_of(const ordered_json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string cell_of(FieldType type, const ordered_json& value) {
  const bool pairs = type == FieldType::pairs || type == FieldType::numbers;
  if (type != FieldType::words && !pairs) return cell_of(value);
  std::string text;
  for (const auto& [key, each] : value.items()) {
    if (!text.empty()) text += ' ';
    text += pairs ? key + "=" + cell_of(each) : cell_of(each);
  }
  return text;
}

} // namespace

bool read_csv(scores::TextFile& file, Kind kind, const TakeRow& take, TransferFaults& faults) {
  return Reader(file, kind, take, faults).read();
}

std::string csv_header(Kind kind) {
  std::string line;
  for (const Field& field : fields_of(kind)) line += (line.empty() ? "" : ",") + std::string(field.name);
  return line + "\r\n";
}

std::string csv_record(Kind kind, const ordered_json& record) {
  std::string line;
  for (const Field& field : fields_of(kind)) {
    if (&field != &fields_of(kind).front()) line += ',';
    line += quoted(cell_of(field.type, record.at(std::string(field.name))));
  }
  return line + "\r\n";
}

} // namespace anytick::registry::transfer
