#include "geo/region_groups.h"

#include <algorithm>
#include <string>

namespace anytick::geo {
namespace {

struct Group {
  std::string_view name;    ///< begins with the country
  std::string_view regions; ///< ISO 3166-2 subdivisions, a space around each
};

constexpr Group groups[]{
    {"us-west", " ak az ca co hi id mt nm nv or ut wa wy "},
    {"us-central", " ar ia il in ks la mn mo nd ne ok sd tx wi "},
    {"us-east", " al ct dc de fl ga ky ma md me mi ms nc nh nj ny oh pa ri sc tn va vt wv "},
    {"ru-dfd", " amu bu chu kam kha mag pri sa sak yev zab "},
    {"ru-kfd", " ce da in kb kc se sta "},
    {"ru-pfd", " ba cu kir me mo niz ore pnz per sam sar ta ud uly "},
    {"ru-sfd", " alt al irk kem kk kya nvs oms tom ty "},
    {"ru-tfd", " bel bry iva klu kos krs lip mow mos orl rya smo tam tul tve vla vor yar "},
    {"ru-ufd", " che khm kgn sve tyu yan "},
    {"ru-vfd", " ark kgd kr ko len mur nen ngr psk spe vlg "},
    {"ru-yfd", " ad ast kl kda ros vgg "},
};

} // namespace

std::string_view region_group(const Location& location) {
  if (location.region[0] == 0) return {};
  const std::string country = location.country_text();
  const std::string region = ' ' + location.region_text().substr(country.size() + 1) + ' ';
  const auto is_in = [&](const Group& group) {
    return group.name.starts_with(country) && group.regions.find(region) != group.regions.npos;
  };
  const auto found = std::find_if(std::begin(groups), std::end(groups), is_in);
  return found == std::end(groups) ? std::string_view{} : found->name;
}

bool is_region_group(std::string_view name) {
  return std::ranges::find(groups, name, &Group::name) != std::end(groups);
}

} // namespace anytick::geo
