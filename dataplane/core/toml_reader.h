#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "geo/refusal.h"

/// A TOML file read strictly: of each key the type, the bounds and that somebody knows it.
namespace anytick::core {

template <class Enum> using Choices = std::initializer_list<std::pair<std::string_view, Enum>>;

/// What is wrong with a file, by where it is.
class Faults {
 public:
  explicit Faults(std::string file) : file_(std::move(file)) {}

  void add(const toml::source_region& source, const std::string& key, const std::string& reason) {
    const toml::source_position& at = source.begin;
    list_.push_back({at,
                     {file_, fmt::format("line {}, column {}", at.line, at.column),
                      key.empty() ? reason : fmt::format("{}: {}", key, reason)}});
  }

  bool none() const { return list_.empty(); }

  /// In the file's order.
  std::vector<Refusal> sorted() {
    std::ranges::stable_sort(list_, [](const Fault& a, const Fault& b) { return a.at < b.at; });
    std::vector<Refusal> refusals;
    for (Fault& fault : list_) refusals.push_back(std::move(fault.refusal));
    return refusals;
  }

 private:
  struct Fault {
    toml::source_position at;
    Refusal refusal;
  };

  std::string file_;
  std::vector<Fault> list_;
};

/// One TOML table, read key by key. What is wrong becomes a fault and the default stays, so that one run finds all
/// faults. In the end, keys that nobody asked for are faults.
class TomlReader {
 public:
  /// `path` is the table's own key, "" for the root.
  TomlReader(const toml::table& table, std::string path, Faults& faults)
      : table_(table), path_(std::move(path)), faults_(faults) {}

  std::string path_of(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  }

  const toml::node* find(std::string_view key) {
    known_.emplace_back(key);
    return table_.get(key);
  }

  void require(std::string_view key) {
    if (!table_.contains(key)) faults_.add(table_.source(), path_of(key), "missing");
  }

  void text(std::string_view key, std::string& value) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (const auto* text = node->as_string(); text != nullptr && !text->get().empty()) {
      value = text->get();
    } else {
      fault(*node, key, "must be a string that is not empty");
    }
  }

  /// What fits a character-string of DNS, empty ones too.
  void short_text(std::string_view key, std::string& value) {
    constexpr size_t most = 255;
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (const auto* text = node->as_string(); text != nullptr && text->get().size() <= most) {
      value = text->get();
    } else {
      fault(*node, key, fmt::format("must be a string of at most {} bytes", most));
    }
  }

  void flag(std::string_view key, bool& value) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (!node->is_boolean()) fault(*node, key, "must be true or false");
    value = node->value_or(value);
  }

  template <class Integer> void integer(std::string_view key, Integer& value, uint64_t low, uint64_t high) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (const auto number = in_range(*node, low, high)) {
      value = static_cast<Integer>(*number);
    } else {
      fault(*node, key, fmt::format("must be an integer from {} to {}", low, high));
    }
  }

  /// With or without a fraction.
  void number(std::string_view key, double& value, double low, double high) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const auto number = node->value<double>();
    if (node->is_number() && number && *number >= low && *number <= high) {
      value = *number;
    } else {
      fault(*node, key, fmt::format("must be a number from {} to {}", low, high));
    }
  }

  template <class Enum> void choice(std::string_view key, Enum& value, Choices<Enum> choices) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const std::string text = node->value_or(std::string());
    std::string names;
    for (const auto& [name, meaning] : choices) {
      if (node->is_string() && text == name) {
        value = meaning;
        return;
      }
      names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", name);
    }
    fault(*node, key, "must be one of " + names);
  }

  /// Calls take(element, its key) for each element of an array.
  template <class Take> void each(std::string_view key, Take take) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      fault(*node, key, "must be an array");
      return;
    }
    for (size_t i = 0; i < array->size(); ++i) take((*array)[i], fmt::format("{}[{}]", path_of(key), i));
  }

  /// The value of an integer within bounds.
  static std::optional<uint64_t> in_range(const toml::node& node, uint64_t low, uint64_t high) {
    const auto* number = node.as_integer();
    if (number == nullptr || number->get() < 0) return std::nullopt;
    const auto value = static_cast<uint64_t>(number->get());
    if (value < low || value > high) return std::nullopt;
    return value;
  }

  void fault(const toml::node& node, std::string_view key, const std::string& reason) {
    faults_.add(node.source(), path_of(key), reason);
  }

  void finish() {
    for (const auto& [key, node] : table_) {
      if (std::ranges::find(known_, key.str()) == known_.end()) {
        faults_.add(key.source(), path_of(key.str()), "unknown key");
      }
    }
  }

 private:
  const toml::table& table_;
  std::string path_;
  Faults& faults_;
  std::vector<std::string> known_;
};

/// Calls read(reader, table) where the section is there and is a table.
template <class Read> void section(TomlReader& root, std::string_view key, Faults& faults, Read read) {
  const toml::node* node = root.find(key);
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    root.fault(*node, key, "must be a table");
    return;
  }
  TomlReader reader(*table, root.path_of(key), faults);
  read(reader);
  reader.finish();
}

} // namespace anytick::core
