;; Rows of 32-bit floats and one vector of the same length, in one memory. Rows lie `stride` bytes apart, there is one at least, and `bytes`,
;; the length of each, is a multiple of 64: sixteen values are taken at a time. All go through 16 KB of their length before the next
;; 16 KB, so that this part of the vector stays in the processor's first cache.
(module
  (import "env" "memory" (memory 0))

  ;; out[k] = row k · vector, as 64-bit floats.
  (func (export "dots")
    (param $rows i32) (param $stride i32) (param $count i32) (param $vector i32) (param $bytes i32) (param $out i32)
    (local $from i32) (local $length i32) (local $row i32) (local $left i32) (local $place i32)
    (local $a i32) (local $b i32) (local $end i32)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)
    (memory.fill (local.get $out) (i32.const 0) (i32.shl (local.get $count) (i32.const 3)))
    (loop $parts
      (local.set $length (i32.sub (local.get $bytes) (local.get $from)))
      (if (i32.gt_u (local.get $length) (i32.const 16384)) (then (local.set $length (i32.const 16384))))
      (local.set $row (i32.add (local.get $rows) (local.get $from)))
      (local.set $place (local.get $out))
      (local.set $left (local.get $count))
      (loop $each
        (local.set $a (local.get $row))
        (local.set $b (i32.add (local.get $vector) (local.get $from)))
        (local.set $end (i32.add (local.get $a) (local.get $length)))
        ;; Four sums at once: one alone would wait for each addition before it starts the next.
        (local.set $s0 (v128.const i32x4 0 0 0 0))
        (local.set $s1 (v128.const i32x4 0 0 0 0))
        (local.set $s2 (v128.const i32x4 0 0 0 0))
        (local.set $s3 (v128.const i32x4 0 0 0 0))
        (loop $along
          (local.set $s0 (f32x4.add (local.get $s0)
            (f32x4.mul (v128.load (local.get $a)) (v128.load (local.get $b)))))
          (local.set $s1 (f32x4.add (local.get $s1)
            (f32x4.mul (v128.load offset=16 (local.get $a)) (v128.load offset=16 (local.get $b)))))
          (local.set $s2 (f32x4.add (local.get $s2)
            (f32x4.mul (v128.load offset=32 (local.get $a)) (v128.load offset=32 (local.get $b)))))
          (local.set $s3 (f32x4.add (local.get $s3)
            (f32x4.mul (v128.load offset=48 (local.get $a)) (v128.load offset=48 (local.get $b)))))
          (local.set $b (i32.add (local.get $b) (i32.const 64)))
          (br_if $along (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 64))) (local.get $end))))
        ;; 256 products at most are added up in 32 bits.
        (local.set $s0
          (f32x4.add
            (f32x4.add (local.get $s0) (local.get $s1))
            (f32x4.add (local.get $s2) (local.get $s3))))
        (f64.store (local.get $place)
          (f64.add (f64.load (local.get $place))
            (f64.add
              (f64.add
                (f64.promote_f32 (f32x4.extract_lane 0 (local.get $s0)))
                (f64.promote_f32 (f32x4.extract_lane 1 (local.get $s0))))
              (f64.add
                (f64.promote_f32 (f32x4.extract_lane 2 (local.get $s0)))
                (f64.promote_f32 (f32x4.extract_lane 3 (local.get $s0)))))))
        (local.set $place (i32.add (local.get $place) (i32.const 8)))
        (local.set $row (i32.add (local.get $row) (local.get $stride)))
        (br_if $each (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (br_if $parts
        (i32.lt_u (local.tee $from (i32.add (local.get $from) (local.get $length))) (local.get $bytes)))))

  ;; vector += Σ factors[k] · row k, of 64-bit factors.
  (func (export "add")
    (param $rows i32) (param $stride i32) (param $count i32) (param $vector i32) (param $bytes i32) (param $factors i32)
    (local $from i32) (local $length i32) (local $row i32) (local $left i32) (local $place i32)
    (local $a i32) (local $b i32) (local $end i32) (local $factor v128)
    (loop $parts
      (local.set $length (i32.sub (local.get $bytes) (local.get $from)))
      (if (i32.gt_u (local.get $length) (i32.const 16384)) (then (local.set $length (i32.const 16384))))
      (local.set $row (i32.add (local.get $rows) (local.get $from)))
      (local.set $place (local.get $factors))
      (local.set $left (local.get $count))
      (loop $each
        (local.set $factor (f32x4.splat (f32.demote_f64 (f64.load (local.get $place)))))
        (local.set $a (local.get $row))
        (local.set $b (i32.add (local.get $vector) (local.get $from)))
        (local.set $end (i32.add (local.get $a) (local.get $length)))
        (loop $along
          (v128.store (local.get $b) (f32x4.add (v128.load (local.get $b))
            (f32x4.mul (local.get $factor) (v128.load (local.get $a)))))
          (v128.store offset=16 (local.get $b) (f32x4.add (v128.load offset=16 (local.get $b))
            (f32x4.mul (local.get $factor) (v128.load offset=16 (local.get $a)))))
          (v128.store offset=32 (local.get $b) (f32x4.add (v128.load offset=32 (local.get $b))
            (f32x4.mul (local.get $factor) (v128.load offset=32 (local.get $a)))))
          (v128.store offset=48 (local.get $b) (f32x4.add (v128.load offset=48 (local.get $b))
            (f32x4.mul (local.get $factor) (v128.load offset=48 (local.get $a)))))
          (local.set $b (i32.add (local.get $b) (i32.const 64)))
          (br_if $along (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 64))) (local.get $end))))
        (local.set $place (i32.add (local.get $place) (i32.const 8)))
        (local.set $row (i32.add (local.get $row) (local.get $stride)))
        (br_if $each (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (br_if $parts
        (i32.lt_u (local.tee $from (i32.add (local.get $from) (local.get $length))) (local.get $bytes))))))
