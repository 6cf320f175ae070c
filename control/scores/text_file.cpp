#include "control/scores/text_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace anytick::scores {
namespace {

constexpr size_t piece = size_t{256} << 10;
static_assert(piece > TextFile::line_max + 1);

} // namespace

TextFile::TextFile(std::FILE* file) : file_(file), buffer_(piece) {
  std::setvbuf(file, nullptr, _IONBF, 0);
}

Result<TextFile> TextFile::open(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return Refusal{path, "", std::strerror(errno)};
  TextFile opened(file);
  struct stat status {};
  if (::fstat(::fileno(file), &status) == 0 && S_ISDIR(status.st_mode)) return Refusal{path, "", "is a directory"};
  return opened;
}

bool TextFile::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const size_t got = std::fread(buffer_.data() + end_, 1, buffer_.size() - end_, file_.get());
  end_ += got;
  return got > 0;
}

void TextFile::rewind() {
  std::rewind(file_.get());
  begin_ = end_ = lines_ = 0;
}

TextFile::Line TextFile::next_line(std::string_view& line) {
  if (at_end()) return Line::end;
  ++lines_;
  bool too_long = false;
  while (true) {
    line = {buffer_.data() + begin_, end_ - begin_};
    if (const size_t size = line.find('\n'); size != line.npos) {
      line = line.substr(0, size);
      begin_ += size + 1;
      break;
    }
    if (line.size() > line_max) {
      too_long = true;
      begin_ = end_;
    }
    if (!fill()) {
      line = {buffer_.data() + begin_, end_ - begin_};
      begin_ = end_;
      break;
    }
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  return too_long || line.size() > line_max ? Line::too_long : Line::text;
}

} // namespace anytick::scores
