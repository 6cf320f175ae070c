#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "geo/refusal.h"

namespace anytick::scores {

/// A text of any size, read in pieces, by lines or by bytes.
class TextFile {
 public:
  static Result<TextFile> open(const std::string& path);

  static constexpr size_t line_max = size_t{64} << 10;
  enum class Line { text, too_long, end };
  /// The next line without its end (LF or CRLF), until the next call. Of one that is longer than line_max, nothing.
  Line next_line(std::string_view& line);

  bool at_end() { return begin_ == end_ && !fill(); }
  /// Precondition: !at_end().
  char byte() const { return buffer_[begin_]; }
  void next_byte() { lines_ += buffer_[begin_++] == '\n'; }

  /// Back to the begin.
  void rewind();

  /// The lines that were read, by lines or by bytes: so far that their ends were.
  uint64_t lines() const { return lines_; }
  /// Whether the end came early, and why.
  bool failed() const { return std::ferror(file_.get()) != 0; }

 private:
  explicit TextFile(std::FILE* file);
  bool fill();

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<char> buffer_;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t lines_ = 0;
};

/// The bytes of a TextFile, or of what is read like one, for nlohmann's parser.
template <class Source> class ByteIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  ByteIterator() = default; ///< the end
  explicit ByteIterator(Source& source) : source_(&source) {}

  char operator*() const { return source_->byte(); }
  ByteIterator& operator++() {
    source_->next_byte();
    return *this;
  }
  ByteIterator operator++(int) {
    const ByteIterator old = *this;
    ++*this;
    return old;
  }
  /// Only ever asked against the end.
  bool operator==(const ByteIterator& end) const { return source_ == end.source_ || source_->at_end(); }

 private:
  Source* source_ = nullptr;
};

} // namespace anytick::scores
