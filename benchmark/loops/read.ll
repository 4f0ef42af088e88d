; Reads memory: four loads of 64 bytes in each of %iterations, %stride bytes
; apart; %step bytes lie between one iteration and the next, and %mask, a power
; of two less one, leads back to the start. With a stride of 64 and a step of
; 256 that is one stream, with a quarter of the memory and a step of 64 it is
; four. Returns something, so that nothing is left out.

declare i64 @llvm.vector.reduce.or.v8i64(<8 x i64>)

define i64 @read(ptr %data, i64 %iterations, i64 %stride, i64 %step,
                 i64 %mask) {
entry:
  br label %loop

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %position = phi i64 [ 0, %entry ], [ %following, %loop ]
  %or0 = phi <8 x i64> [ zeroinitializer, %entry ], [ %next0, %loop ]
  %or1 = phi <8 x i64> [ zeroinitializer, %entry ], [ %next1, %loop ]
  %or2 = phi <8 x i64> [ zeroinitializer, %entry ], [ %next2, %loop ]
  %or3 = phi <8 x i64> [ zeroinitializer, %entry ], [ %next3, %loop ]
  %at0 = getelementptr i8, ptr %data, i64 %position
  %at1 = getelementptr i8, ptr %at0, i64 %stride
  %at2 = getelementptr i8, ptr %at1, i64 %stride
  %at3 = getelementptr i8, ptr %at2, i64 %stride
  %value0 = load <8 x i64>, ptr %at0
  %value1 = load <8 x i64>, ptr %at1
  %value2 = load <8 x i64>, ptr %at2
  %value3 = load <8 x i64>, ptr %at3
  %next0 = or <8 x i64> %or0, %value0
  %next1 = or <8 x i64> %or1, %value1
  %next2 = or <8 x i64> %or2, %value2
  %next3 = or <8 x i64> %or3, %value3
  %moved = add i64 %position, %step
  %following = and i64 %moved, %mask
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, %iterations
  br i1 %again, label %loop, label %exit

exit:
  %half = or <8 x i64> %next0, %next1
  %other = or <8 x i64> %next2, %next3
  %all = or <8 x i64> %half, %other
  %result = call i64 @llvm.vector.reduce.or.v8i64(<8 x i64> %all)
  ret i64 %result
}
