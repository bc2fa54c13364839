// SPDX-License-Identifier: Apache-2.0
//
// Machines of a test: network namespaces of this system, joined by one switch, whose links can be
// cut, slowed and made to lose packets. They take root, `ip` and `nft`.
#ifndef TRIDENT_TESTS_KILL_NAMESPACES_H_
#define TRIDENT_TESTS_KILL_NAMESPACES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"

namespace trident {

class Namespaces {
 public:
  // `machines` of them, numbered from 0. Not ok: this system lets the test make none.
  static StatusOr<Namespaces> Make(uint32_t machines);
  Namespaces(Namespaces&& other) noexcept;
  Namespaces& operator=(Namespaces&&) = delete;
  ~Namespaces();

  // Surroundings::network of a program on that machine.
  std::string FileOf(uint32_t machine) const;
  static std::string AddressOf(uint32_t machine);

  // Nothing is told of what is dropped: the links are half open.
  enum class Way : uint8_t { kIn, kOut, kBoth };
  void Cut(uint32_t machine, Way way);
  void CutBetween(uint32_t machine, uint32_t other);
  // Connections of the machine are reset by whoever hears of them.
  void Reset(uint32_t machine);
  void LosePackets(uint32_t machine, int percent);
  void Slow(uint32_t machine, const std::string& rate);
  // All links are as they were.
  void Heal();

 private:
  explicit Namespaces(std::string name) : name_(std::move(name)) {}
  Status Build(uint32_t machines);
  std::string NameOf(uint32_t machine) const { return name_ + "-" + std::to_string(machine); }
  // Has the machine follow these rules for what comes in and goes out.
  void Filter(uint32_t machine, const std::string& in, const std::string& out);

  std::string name_;
  std::vector<std::string> made_;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_KILL_NAMESPACES_H_
