// SPDX-License-Identifier: Apache-2.0
//
// Writing JSON (RFC 8259), one value after another. Writing only, so no library is needed.
#ifndef TRIDENT_COORDINATOR_CLI_JSON_H_
#define TRIDENT_COORDINATOR_CLI_JSON_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/types.h"

namespace trident {

// Quoted and escaped; bytes that are not UTF-8 become U+FFFD.
std::string JsonText(std::string_view text);
std::string JsonNumber(uint64_t number);
// Numbers, booleans, null and lists as such; a double that JSON has no number for, bytes (hex) and
// timestamps (ISO 8601) as text; a user type as {"type", "text", "encoded"}.
std::string JsonOf(const Datum& value);
std::string JsonOf(std::span<const Datum> values);
std::string JsonArray(std::span<const std::string> elements);

// {"name":value,...} in the order added. `value` is JSON already.
class JsonObject {
 public:
  JsonObject& Add(std::string_view name, std::string_view value);
  std::string Done() const { return out_ + "}"; }

 private:
  std::string out_ = "{";
};

}  // namespace trident

#endif  // TRIDENT_COORDINATOR_CLI_JSON_H_
