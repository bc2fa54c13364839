// SPDX-License-Identifier: Apache-2.0
#include "state/view/readable_state.h"

#include "base/key_encoding.h"

namespace trident {

KeyRange KeyRange::Prefix(std::string_view prefix) {
  return {std::string(prefix), PrefixEnd(prefix)};
}

KeyRange KeyRange::Just(std::string_view key) {
  std::string after(key);
  after.push_back('\0');
  return {std::string(key), std::move(after)};
}

}  // namespace trident
