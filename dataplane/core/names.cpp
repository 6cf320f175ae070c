#include "dataplane/core/names.h"

namespace anytick::core {
namespace {

enum class Form : uint8_t { plain, escaped, number };

constexpr std::array<Form, 256> form_of_byte = [] {
  std::array<Form, 256> forms{};
  forms.fill(Form::number);
  for (unsigned byte = 0x20; byte < 0x7f; ++byte) forms[byte] = Form::plain;
  for (const char c : {'.', '\\', '"', '(', ')', ';', '@', '$', ' '}) forms[static_cast<uint8_t>(c)] = Form::escaped;
  return forms;
}();

char digit(unsigned value) {
  return static_cast<char>('0' + value % 10);
}

} // namespace

size_t write_name_text(std::span<const uint8_t> wire, char* text) {
  char* to = text;
  for (size_t at = 0; wire[at] != 0; at += wire[at] + 1u) {
    if (at > 0) *to++ = '.';
    for (const uint8_t byte : wire.subspan(at + 1, wire[at])) {
      const Form form = form_of_byte[byte];
      if (form != Form::plain) *to++ = '\\';
      if (form == Form::number) {
        *to++ = digit(byte / 100u);
        *to++ = digit(byte / 10u);
        *to++ = digit(byte);
      } else {
        *to++ = static_cast<char>(byte);
      }
    }
  }
  if (to == text) *to++ = '.';
  return static_cast<size_t>(to - text);
}

int compare_names(const FoldedName& left, const FoldedName& right) {
  unsigned i = left.labels;
  unsigned j = right.labels;
  while (i > 0 && j > 0) {
    const uint8_t* a = left.bytes.data() + left.label_at[--i];
    const uint8_t* b = right.bytes.data() + right.label_at[--j];
    if (const int order = std::memcmp(a + 1, b + 1, std::min(a[0], b[0]))) return order;
    if (a[0] != b[0]) return a[0] - b[0];
  }
  return static_cast<int>(i) - static_cast<int>(j);
}

} // namespace anytick::core
