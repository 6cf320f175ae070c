// Steps and overall scores as the tables beside this test have them: whose expected values another program made.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "control/scores/median.h"
#include "control/scores/step.h"

namespace anytick::scores {
namespace {

constexpr double rounding = 1e-12;

std::vector<std::string> lines_of(const std::string& name) {
  const char* directory = std::getenv("ANYTICK_SCORE_TABLES");
  std::ifstream file(std::string(directory == nullptr ? "." : directory) + "/" + name);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    if (!line.starts_with('#')) lines.push_back(line);
  return lines;
}

std::vector<std::string> split(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end; (end = text.find(separator, begin)) != text.npos; begin = end + separator.size())
    parts.push_back(text.substr(begin, end - begin));
  parts.push_back(text.substr(begin));
  return parts;
}

TEST(Tables, Steps) {
  size_t rows = 0;
  for (const std::string& line : lines_of("steps.csv")) {
    SCOPED_TRACE(line);
    const std::vector<std::string> cells = split(line, ",");
    ASSERT_EQ(cells.size(), 8u);
    Observation seen{.responded = cells[1] == "yes", .kiss = cells[3], .error = cells[5]};
    if (!cells[2].empty()) seen.stratum = static_cast<unsigned>(std::stoul(cells[2]));
    if (!cells[4].empty()) seen.offset = std::stod(cells[4]);
    const Step step = step_of(seen);
    EXPECT_NEAR(step.step, std::stod(cells[6]), rounding);
    EXPECT_EQ(step.cap, cells[7].empty() ? no_cap : std::stod(cells[7]));
    ++rows;
  }
  EXPECT_EQ(rows, 221u);
}

Latest latest_of(const std::string& entry, int64_t now) {
  const std::vector<std::string> parts = split(entry, ":");
  const MonitorStatus status = parts[0] == "a"   ? MonitorStatus::active
                               : parts[0] == "t" ? MonitorStatus::testing
                               : parts[0] == "c" ? MonitorStatus::candidate
                                                 : MonitorStatus::inactive;
  return {now - std::stoll(parts[1]), std::stod(parts[2]), status};
}

TEST(Tables, Medians) {
  constexpr int64_t now = 1'700'000'000;
  size_t rows = 0;
  for (const std::string& line : lines_of("medians.txt")) {
    SCOPED_TRACE(line);
    const std::vector<std::string> cells = split(line, " | ");
    ASSERT_EQ(cells.size(), 3u);
    std::vector<Latest> latest;
    std::istringstream entries(cells[1]);
    for (std::string entry; entries >> entry;) latest.push_back(latest_of(entry, now));
    const auto score = recent_median(latest, now);
    ASSERT_EQ(score.has_value(), cells[2] != "none");
    if (score) {
      EXPECT_EQ(*score, std::stod(cells[2]));
    }
    ++rows;
  }
  EXPECT_EQ(rows, 108u);
}

} // namespace
} // namespace anytick::scores
