#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/options.h"
#include "geo/map.h"

namespace anytick::bench {

/// What the options name, read and checked: the traffic is made of it. Throws std::runtime_error.
class Inputs {
 public:
  explicit Inputs(const Options& options);

  /// From a port with that MAC address, hexadecimal. This must outlive it.
  std::unique_ptr<Traffic> traffic(const std::string& client_mac) const;

 private:
  void read_tables(const Options& options);
  void read_choices(const Options& options);
  void read_clients(const Options& options);
  void set_servers(const Options& options);

  std::vector<std::byte> image_bytes_, map_bytes_;
  std::optional<core::ZoneImage> image_;
  std::optional<geo::Map> map_;
  std::optional<Locator> locator_;
  std::vector<Choice> choices_;
  std::optional<Sources> sources_, sources6_;
  MixOptions mix_;
  std::vector<test::Bytes> capture_; // empty: a mix is sent
};

} // namespace anytick::bench
