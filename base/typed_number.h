// SPDX-License-Identifier: Apache-2.0
//
// Numbers that someone typed: decimal, whole, nothing before or after them. The C library takes
// more: " 7", "-1" for the greatest number, "010" for eight, "nan". These are refused here.
#ifndef TRIDENT_BASE_TYPED_NUMBER_H_
#define TRIDENT_BASE_TYPED_NUMBER_H_

#include <cstdint>
#include <string_view>

#include "base/status.h"

namespace trident {

// InvalidArgument says what was expected and what was found.
StatusOr<uint64_t> ParseWholeNumber(std::string_view text, uint64_t least, uint64_t most);
StatusOr<double> ParseNumber(std::string_view text, double least, double most);

}  // namespace trident

#endif  // TRIDENT_BASE_TYPED_NUMBER_H_
