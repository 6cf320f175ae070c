#include "scores_database.h"

#include <sstream>

#include <soci/soci.h>

namespace anytick::scores::test {

std::string dump(store::Database& database) {
  std::ostringstream text;
  text.precision(17);
  database.read([&](soci::session& sql) {
    text.str("");
    std::string name, more;
    long long number = 0, count = 0, time = 0;
    double score = 0, base = 0;
    soci::statement monitors = (sql.prepare << "SELECT id, name, at_most FROM monitors ORDER BY id", soci::into(number),
                                soci::into(name), soci::into(more));
    for (monitors.execute(); monitors.fetch();) text << number << ' ' << name << ' ' << more << '\n';
    std::string status;
    soci::statement standings =
        (sql.prepare << "SELECT address, monitor, status, checks, score, base, base_time, recent FROM scored JOIN "
                        "standings ON server = id ORDER BY address, monitor",
         soci::into(name), soci::into(number), soci::into(status), soci::into(count), soci::into(score),
         soci::into(base), soci::into(time), soci::into(more));
    for (standings.execute(); standings.fetch();)
      text << name << ' ' << number << ' ' << status << ' ' << count << ' ' << score << ' ' << base << ' ' << time
           << ' ' << more << '\n';
    soci::statement history =
        (sql.prepare << "SELECT address, hour, thin, lines FROM scored JOIN history ON server = id ORDER BY address, "
                        "hour",
         soci::into(name), soci::into(time), soci::into(count), soci::into(more));
    for (history.execute(); history.fetch();) text << name << ' ' << time << ' ' << count << '\n' << more;
  });
  return text.str();
}

} // namespace anytick::scores::test
