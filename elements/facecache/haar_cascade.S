/* gst-wav2lip: the cascade file that Meson found, as bytes; haar_detector.cpp reads it.
 * The file carries its own licence text (Intel, BSD-style), which is embedded with it.
 * SPDX-License-Identifier: LGPL-2.1-or-later */
  .section .rodata
  .global w2l_haar_cascade_xml
  .hidden w2l_haar_cascade_xml
  .type w2l_haar_cascade_xml, %object
w2l_haar_cascade_xml:
  .incbin W2L_HAAR_CASCADE_FILE
  .byte 0
  .size w2l_haar_cascade_xml, . - w2l_haar_cascade_xml
  .section .note.GNU-stack, "", %progbits
