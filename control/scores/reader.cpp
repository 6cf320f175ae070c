#include "control/scores/reader.h"

#include <algorithm>
#include <array>

#include "control/scores/log_csv.h"
#include "control/scores/observations.h"
#include "control/scores/pool_json.h"

namespace anytick::scores {
namespace {

using Read = Result<ReadCounts> (*)(TextFile&, const std::string&, const ReadOptions&, RowSink&, RowFaults&);

struct Format {
  std::string_view suffix;
  Read read;
};
constexpr std::array formats{
    Format{".csv", read_log_csv},
    Format{".json", read_pool_json},
    Format{".jsonl", read_observations},
};

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

} // namespace

Result<ReadCounts> read_rows(const std::string& path, const ReadOptions& options, RowSink& sink, RowFaults& faults) {
  const auto format =
      std::find_if(formats.begin(), formats.end(), [&](const Format& each) { return path.ends_with(each.suffix); });
  if (format == formats.end()) return Refusal{path, "", "is neither .csv nor .json nor .jsonl"};
  Result<TextFile> file = TextFile::open(path);
  if (!file) return file.refusal();
  Result<ReadCounts> counts = format->read(*file, path, options, sink, faults);
  if (file->failed()) return Refusal{path, "", "cannot be read to its end"};
  return counts;
}

std::optional<geo::Address> server_of_name(const std::string& path) {
  std::string_view name = base_name(path);
  for (const Format& each : formats)
    if (name.ends_with(each.suffix)) name.remove_suffix(each.suffix.size());
  return geo::parse_address(name.substr(0, name.find('_')));
}

bool is_scorer(std::string_view name) {
  const std::string_view label = name.substr(0, name.find('.'));
  return label == "recentmedian" || label == "every";
}

} // namespace anytick::scores
