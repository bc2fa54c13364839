// SPDX-License-Identifier: Apache-2.0
//
// Overloaded: several lambdas as one visitor of a variant.
//
//     std::visit(Overloaded{[](const Begin&) { ... }, [](const Abort&) { ... }}, event);
#ifndef TRIDENT_BASE_OVERLOADED_H_
#define TRIDENT_BASE_OVERLOADED_H_

namespace trident {

// Owns its cases, which it is made of, and calls the one that fits the argument best. An argument
// that none fits, or two fit equally well, does not compile; so a variant that gets another
// alternative shows where it is not treated yet. As safe to call from several threads as its cases
// are.
template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace trident

#endif  // TRIDENT_BASE_OVERLOADED_H_
