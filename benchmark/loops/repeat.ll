; Calls a C function again and again with the same arguments, so that no Python
; runs between two calls.

; Returns the results of all calls, or-ed together: 0 if none failed.
define i32 @repeat(ptr %function, ptr %first, ptr %second, i64 %third,
                   ptr %fourth, i64 %calls) {
entry:
  br label %loop

loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %failed = phi i32 [ 0, %entry ], [ %failed.next, %loop ]
  ; A function with fewer arguments does not see the last ones.
  %result = call i32 %function(ptr %first, ptr %second, i64 %third, ptr %fourth)
  %failed.next = or i32 %failed, %result
  %next = add i64 %i, 1
  %again = icmp ult i64 %next, %calls
  br i1 %again, label %loop, label %exit

exit:
  ret i32 %failed.next
}
