// SPDX-License-Identifier: Apache-2.0
//
// The source partition of each stream by which requests about dead letters are read
// (engine/letter_requests.h). Decision records and positions name it as they name any other. It is
// the engine's own: people are not shown it, and its position means nothing to them.
#ifndef TRIDENT_BASE_LETTER_PARTITION_H_
#define TRIDENT_BASE_LETTER_PARTITION_H_

#include <string_view>

namespace trident {

inline constexpr std::string_view kLetterPartition = "(dead letters)";

}  // namespace trident

#endif  // TRIDENT_BASE_LETTER_PARTITION_H_
