// SPDX-License-Identifier: Apache-2.0
//
// PositionForm: as much of a source's positions as can be told without the source.
#ifndef TRIDENT_BASE_POSITION_FORM_H_
#define TRIDENT_BASE_POSITION_FORM_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/source.h"

namespace trident {

// It is kept with the state, and commands on a directory at rest judge by it.
struct PositionForm {
  // A syntax: N stands for a decimal number, X for a hexadecimal one, what is in [ ] may be
  // missing, all else stands for itself. "": the source alone knows.
  std::string pattern = {};
  // The unit of the first number, "row" or "byte"; "": the source alone knows.
  std::string counts = {};
  // A source that cannot go back reads on wherever it stands, whatever position it is given.
  enum class GoesBack : uint8_t { kPerhaps = 0, kYes = 1, kNo = 2 } goes_back = GoesBack::kPerhaps;
  friend bool operator==(const PositionForm&, const PositionForm&) = default;
};

// Can the position be one of the form? "" always can: it is the beginning. So can any text where
// the form has no pattern.
bool Fits(const PositionForm& form, const Position& position);

// How many rows or bytes lie before the position; nullopt: the form does not tell.
std::optional<uint64_t> CountBefore(const PositionForm& form, const Position& position);

// For people: "a number", or the pattern with its meaning.
std::string ToString(const PositionForm& form);

}  // namespace trident

#endif  // TRIDENT_BASE_POSITION_FORM_H_
