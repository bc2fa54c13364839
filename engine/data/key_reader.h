// SPDX-License-Identifier: Apache-2.0
//
// Between columns and keys: the canonical key of each row over some of its fields, and back from
// keys to columns. A key of one text field is the text itself.
#ifndef TRIDENT_ENGINE_DATA_KEY_READER_H_
#define TRIDENT_ENGINE_DATA_KEY_READER_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/key_encoding.h"
#include "engine/data/slice.h"
#include "engine/data/text_arena.h"

namespace trident {

// Not thread-safe.
class KeyReader {
 public:
  // `indices` are the key's fields in the schema of the batches to come.
  KeyReader(const Schema& schema, std::vector<size_t> indices);

  std::span<const KeyField> fields() const { return fields_; }
  // The keys of the slice's selected rows, in order. They point into the slice or into memory that
  // `retained` is given.
  void Read(const Slice& slice, ColumnVector<HashedKey>& keys, std::vector<BufferRef>& retained);

  // Is the key one required text, so that it is the column's value itself? Then Texts gives these,
  // by column row; the slice owns them.
  bool one_text() const { return one_text_; }
  std::span<const Text> Texts(const Slice& slice) const;
  // The keys' bytes one behind the other, and where each ends. Both are cleared first.
  void Encode(const Slice& slice, std::string& bytes, std::vector<size_t>& ends) const;

 private:
  void ReadText(const Slice& slice, ColumnVector<HashedKey>& keys,
                std::vector<BufferRef>& retained);
  void ReadEncoded(const Slice& slice, ColumnVector<HashedKey>& keys,
                   std::vector<BufferRef>& retained);

  std::vector<size_t> indices_;
  std::vector<KeyField> fields_;
  bool one_text_ = false;
};

// May a field of this type be part of a key? Lists and user types may not.
bool CanBeKey(const TypeInfo& type);

// The columns of the key fields named by `wanted` (places in `fields`), one row per key.
// REQUIRES: the keys were read over `fields`.
std::vector<ColumnRef> KeyColumns(std::span<const KeyField> fields, std::span<const size_t> wanted,
                                  const KeyColumn& keys);

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_KEY_READER_H_
