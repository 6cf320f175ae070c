#pragma once

#include <sstream>
#include <string>

#include "control/scores/scoreboard.h"

namespace anytick::scores::test {

/// A scoreboard's standings as text, exactly.
inline std::string stored(const Scoreboard& board) {
  std::ostringstream text;
  text << std::hexfloat;
  for (const auto& [server, standings] : board.servers())
    for (const Standing& each : standings) {
      text << geo::to_text(server) << ' ' << each.monitor << ' ' << each.checks << ' ' << each.score << ' ' << each.base
           << ' ' << each.base_when << ' ' << each.recent.size();
      for (const Check& check : each.recent)
        text << ' ' << check.when << ' ' << check.value << ' ' << (check.cap != no_cap) << ' '
             << (check.cap != no_cap ? check.cap : 0) << ' ' << check.stated;
      text << '\n';
    }
  return text.str();
}

inline double number_from(std::istream& text) {
  std::string word; // streams do not read what std::hexfloat writes
  text >> word;
  return std::strtod(word.c_str(), nullptr);
}

inline void restore(const std::string& text, Scoreboard& board) {
  std::istringstream lines(text);
  for (std::string server; lines >> server;) {
    Standing each;
    size_t count = 0;
    lines >> each.monitor >> each.checks;
    each.score = number_from(lines);
    each.base = number_from(lines);
    lines >> each.base_when >> count;
    for (; count > 0; --count) {
      Check check;
      bool capped = false;
      lines >> check.when;
      check.value = number_from(lines);
      lines >> capped;
      const double cap = number_from(lines);
      if (capped) check.cap = cap;
      lines >> check.stated;
      each.recent.push_back(check);
    }
    board.restore(*geo::parse_address(server), std::move(each));
  }
}

} // namespace anytick::scores::test
