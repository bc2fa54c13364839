// SPDX-License-Identifier: Apache-2.0
//
// State directories with a life behind them, and what may be done to a copy.
#ifndef TRIDENT_TESTS_CLI_DIRECTORY_LIFE_H_
#define TRIDENT_TESTS_CLI_DIRECTORY_LIFE_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace trident {

// `lines` lines of one to five words out of 60; the same for the same seed.
std::string RandomLines(uint64_t seed, int lines);
// What `trident state dump DIR counts` must print after the first `lines` lines of `text`, counted
// in another way than the engine does.
std::string CountsOf(const std::string& text, uint64_t lines);

// The txid that a summary "(state counts: 5 rows at txid 12)" names.
uint64_t TxIdOf(const std::string& summary);

// Every name, kind, mode, size, inode, time of change and byte below `dir`, and of `dir` itself.
std::string FingerprintOf(const std::filesystem::path& dir);

// Files below `dir`, in the order of their names.
std::vector<std::filesystem::path> FilesOf(const std::filesystem::path& dir);

void FlipBit(const std::filesystem::path& file, uint64_t bit);

}  // namespace trident

#endif  // TRIDENT_TESTS_CLI_DIRECTORY_LIFE_H_
