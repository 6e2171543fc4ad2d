// gst-wav2lip: Winograd's one-dimensional transforms of inputs and products, on vectors of
// channels. Included by winograd_kernels.cpp for each instruction set.
// SPDX-License-Identifier: LGPL-2.1-or-later
#if defined(W2L_WINOGRAD_TRANSFORMS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef W2L_WINOGRAD_TRANSFORMS_INL_H
#undef W2L_WINOGRAD_TRANSFORMS_INL_H
#else
#define W2L_WINOGRAD_TRANSFORMS_INL_H
#endif

#include <hwy/highway.h>

#include "vectors-inl.h"
#include "winograd_forms.h"

HWY_BEFORE_NAMESPACE();
namespace w2l {
namespace HWY_NAMESPACE {

// factor * x + y
HWY_INLINE Vector multiply_add(float factor, Vector x, Vector y) {
  return hn::MulAdd(hn::Set(Floats(), factor), x, y);
}

// One dimension of a form (winograd_forms.h): input() makes a tile's points of its pixels (B of
// Lavin and Gray), output() makes its output of the points' products (A).
template <WinogradForm kForm>
struct Transform;

template <>
struct Transform<WinogradForm::F2> {
  static HWY_INLINE void input(const Vector *d, Vector *o) {
    o[0] = hn::Sub(d[0], d[2]);
    o[1] = hn::Add(d[1], d[2]);
    o[2] = hn::Sub(d[2], d[1]);
    o[3] = hn::Sub(d[3], d[1]);
  }

  static HWY_INLINE void output(const Vector *m, Vector *o) {
    o[0] = hn::Add(m[0], hn::Add(m[1], m[2]));
    o[1] = hn::Add(hn::Sub(m[1], m[2]), m[3]);
  }
};

template <>
struct Transform<WinogradForm::F3> {
  static HWY_INLINE void input(const Vector *d, Vector *o) {
    const Vector odd = hn::Sub(d[3], d[1]);
    o[0] = multiply_add(2, hn::Sub(d[0], d[2]), odd);
    o[1] = multiply_add(-2, d[1], hn::Sub(d[3], d[2]));
    o[2] = multiply_add(2, d[1], multiply_add(-3, d[2], d[3]));
    o[3] = odd;
    o[4] = multiply_add(-2, odd, hn::Sub(d[4], d[2]));
  }

  static HWY_INLINE void output(const Vector *m, Vector *o) {
    const Vector sum = hn::Add(m[1], m[2]), difference = hn::Sub(m[1], m[2]);
    o[0] = hn::Add(hn::Add(m[0], sum), m[3]);
    o[1] = multiply_add(2, m[3], difference);
    o[2] = hn::Add(multiply_add(4, m[3], sum), m[4]);
  }
};

template <>
struct Transform<WinogradForm::F4> {
  static HWY_INLINE void input(const Vector *d, Vector *o) {
    const Vector even1 = multiply_add(-4, d[2], d[4]), odd1 = multiply_add(-4, d[1], d[3]);
    const Vector even2 = hn::Sub(d[4], d[2]), odd = hn::Sub(d[3], d[1]);
    const Vector odd2 = hn::Add(odd, odd);
    o[0] = multiply_add(4, d[0], multiply_add(-5, d[2], d[4]));
    o[1] = hn::Add(even1, odd1);
    o[2] = hn::Sub(even1, odd1);
    o[3] = hn::Add(even2, odd2);
    o[4] = hn::Sub(even2, odd2);
    o[5] = multiply_add(4, d[1], multiply_add(-5, d[3], d[5]));
  }

  static HWY_INLINE void output(const Vector *m, Vector *o) {
    const Vector sum1 = hn::Add(m[1], m[2]), difference1 = hn::Sub(m[1], m[2]);
    const Vector sum2 = hn::Add(m[3], m[4]), difference2 = hn::Sub(m[3], m[4]);
    o[0] = hn::Add(hn::Add(m[0], sum1), sum2);
    o[1] = multiply_add(2, difference2, difference1);
    o[2] = multiply_add(4, sum2, sum1);
    o[3] = hn::Add(multiply_add(8, difference2, difference1), m[5]);
  }
};

// The even pixels of the output are products of single pixels.
template <>
struct Transform<WinogradForm::TransposedF3> {
  static HWY_INLINE void input(const Vector *d, Vector *o) {
    for (int i = 0; i < 3; ++i) o[i] = d[i];
    Transform<WinogradForm::F2>::input(d, o + 3);
  }

  static HWY_INLINE void output(const Vector *m, Vector *o) {
    const Vector sum = hn::Add(m[4], m[5]);
    for (int i = 0; i < 3; ++i) o[2 * i] = m[i];
    o[1] = hn::Add(m[3], sum);
    o[3] = hn::Sub(m[4], m[5]);
    o[5] = hn::Add(sum, m[6]);
  }
};

template <>
struct Transform<WinogradForm::TransposedF4> {
  static HWY_INLINE void input(const Vector *d, Vector *o) {
    for (int i = 0; i < 4; ++i) o[i] = d[i];
    Transform<WinogradForm::F3>::input(d, o + 4);
  }

  static HWY_INLINE void output(const Vector *m, Vector *o) {
    const Vector sum = hn::Add(m[5], m[6]), difference = hn::Sub(m[5], m[6]);
    for (int i = 0; i < 4; ++i) o[2 * i] = m[i];
    o[1] = hn::Add(hn::Add(m[4], sum), m[7]);
    o[3] = multiply_add(2, m[7], difference);
    o[5] = multiply_add(4, m[7], sum);
    o[7] = hn::Add(multiply_add(8, m[7], difference), m[8]);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace w2l
HWY_AFTER_NAMESPACE();

#endif
