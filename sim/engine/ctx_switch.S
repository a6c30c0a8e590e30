/*
 * void ctx_switch(void **save_sp, void *load_sp): push the callee-saved registers, store the stack
 * pointer, load the other, pop its registers and jump to its return address. Leaves by pop and jump:
 * a RET would mispredict every time (the return stack predictor belongs to the other stack) and
 * costs three times as much. Floating-point control words are not saved: the program never changes
 * them.
 */
#if !defined(IOMMUSIM_UCONTEXT) && defined(__x86_64__)
	.text
	.globl ctx_switch
	.type ctx_switch, @function
ctx_switch:
	endbr64
	push %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, (%rdi)
	mov %rsi, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
	pop %rcx
	jmp *%rcx
	.size ctx_switch, .-ctx_switch

/* First entry of a flow: r12 = function, r13 = argument (set up by ctx.c). */
	.globl ctx_start
	.type ctx_start, @function
ctx_start:
	endbr64
	mov %r13, %rdi
	xor %ebp, %ebp
	call *%r12
	ud2
	.size ctx_start, .-ctx_start
#elif !defined(IOMMUSIM_UCONTEXT) && defined(__aarch64__)
	.text
	.globl ctx_switch
	.type ctx_switch, %function
ctx_switch:
	sub sp, sp, #160
	stp x19, x20, [sp, #0]
	stp x21, x22, [sp, #16]
	stp x23, x24, [sp, #32]
	stp x25, x26, [sp, #48]
	stp x27, x28, [sp, #64]
	stp x29, x30, [sp, #80]
	stp d8, d9, [sp, #96]
	stp d10, d11, [sp, #112]
	stp d12, d13, [sp, #128]
	stp d14, d15, [sp, #144]
	mov x9, sp
	str x9, [x0]
	mov sp, x1
	ldp x19, x20, [sp, #0]
	ldp x21, x22, [sp, #16]
	ldp x23, x24, [sp, #32]
	ldp x25, x26, [sp, #48]
	ldp x27, x28, [sp, #64]
	ldp x29, x30, [sp, #80]
	ldp d8, d9, [sp, #96]
	ldp d10, d11, [sp, #112]
	ldp d12, d13, [sp, #128]
	ldp d14, d15, [sp, #144]
	add sp, sp, #160
	ret x30
	.size ctx_switch, .-ctx_switch

/* First entry of a flow: x19 = function, x20 = argument (set up by ctx.c). */
	.globl ctx_start
	.type ctx_start, %function
ctx_start:
	mov x0, x20
	mov x29, xzr
	mov x30, xzr
	blr x19
	brk #0
	.size ctx_start, .-ctx_start
#endif
	.section .note.GNU-stack, "", %progbits
