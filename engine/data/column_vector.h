// SPDX-License-Identifier: Apache-2.0
//
// A growable array for column values. Unlike std::vector it holds bool as bool, and it grows
// without writing to memory that the caller fills anyway.
#ifndef TRIDENT_ENGINE_DATA_COLUMN_VECTOR_H_
#define TRIDENT_ENGINE_DATA_COLUMN_VECTOR_H_

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace trident {

// Move-only. Not thread-safe while it changes.
template <class T>
class ColumnVector {
 public:
  ColumnVector() = default;
  ColumnVector(ColumnVector&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ColumnVector& operator=(ColumnVector&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  ~ColumnVector() {
    Clear();
    std::free(data_);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  std::span<const T> view() const { return {data_, size_}; }

  void Reserve(size_t n) {
    if (n > capacity_) Grow(n);
  }
  template <class... Args>
  void Append(Args&&... args) {
    if (size_ == capacity_) Grow(capacity_ * 2);
    new (data_ + size_) T{std::forward<Args>(args)...};
    ++size_;
  }
  // Makes room for `n` more values. The caller writes them before anyone reads them.
  T* Extend(size_t n) requires std::is_trivially_copyable_v<T> {
    Reserve(size_ + n);
    T* out = data_ + size_;
    size_ += n;
    return out;
  }
  // Removes the values, but keeps the memory.
  void Clear() {
    if constexpr (!std::is_trivially_destructible_v<T>) std::destroy_n(data_, size_);
    size_ = 0;
  }

 private:
  static constexpr size_t kFirstCapacity = 16;

  void Grow(size_t n) {
    if (n < kFirstCapacity) n = kFirstCapacity;
    static_assert(alignof(T) <= alignof(std::max_align_t));
    T* grown;
    if constexpr (std::is_trivially_copyable_v<T>) {
      grown = static_cast<T*>(std::realloc(static_cast<void*>(data_), n * sizeof(T)));
      if (grown == nullptr) throw std::bad_alloc();
    } else {
      grown = static_cast<T*>(std::malloc(n * sizeof(T)));
      if (grown == nullptr) throw std::bad_alloc();
      std::uninitialized_move_n(data_, size_, grown);
      std::destroy_n(data_, size_);
      std::free(data_);
    }
    data_ = grown;
    capacity_ = n;
  }

  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_ENGINE_DATA_COLUMN_VECTOR_H_
