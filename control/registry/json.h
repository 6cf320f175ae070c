#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "control/registry/model.h"

/// The registry's values as JSON objects: for the audit log, `--json` and files. `account` is an account's name.
namespace anytick::registry {

nlohmann::ordered_json json_of(const Account& account);
nlohmann::ordered_json json_of(const Server& server, const std::string& account);
nlohmann::ordered_json json_of(const TreeZone& zone);
nlohmann::ordered_json json_of(const VendorZone& vendor, const std::string& account);
nlohmann::ordered_json json_of(const DnsRoot& root);
nlohmann::ordered_json json_of(const Pop& pop);
nlohmann::ordered_json json_of(const AuditEntry& entry);

} // namespace anytick::registry
