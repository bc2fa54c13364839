// SPDX-License-Identifier: Apache-2.0
//
// What somebody may have meant: the tail of every "there is no ..." message.
#ifndef TRIDENT_BASE_SPELLING_H_
#define TRIDENT_BASE_SPELLING_H_

#include <span>
#include <string>
#include <string_view>

namespace trident {

// The candidate with the least edit distance to `name` (insert, delete, replace, swap of neighbours
// count 1 each), or "" when none is near enough to be a slip of the keyboard.
std::string NearestSpelling(std::string_view name, std::span<const std::string> candidates);

// "; did you mean 'counts'? There are: counts, totals", or "; there are none". At most 20 names are
// listed. `plural` says what they are: "states", "functions".
std::string SpellingHint(std::string_view name, std::string_view plural,
                         std::span<const std::string> candidates);

}  // namespace trident

#endif  // TRIDENT_BASE_SPELLING_H_
