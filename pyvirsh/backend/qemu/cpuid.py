"""Where CPUID says which features an x86 CPU has.

A line: the leaf, its sub-leaf and the register, in hexadecimal; the features of its bits from bit 0 on.
Source: which bit of QEMU's feature-words changes when a feature is asked for; names as libvirt spells them.
"""

REGISTERS = """
1.0.ECX pni pclmuldq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid - fma cx16 xtpr pdcm - pcid dca sse4.1
  sse4.2 x2apic movbe popcnt tsc-deadline aes xsave - avx f16c rdrand hypervisor
1.0.EDX fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn clflush - ds acpi mmx
  fxsr sse sse2 ss ht tm ia64 pbe
6.0.EAX - - arat
7.0.EBX fsgsbase tsc_adjust sgx bmi1 hle avx2 fdp-excptn-only smep bmi2 erms invpcid rtm - zero-fcs-fds mpx
  - avx512f avx512dq rdseed adx smap avx512ifma pcommit clflushopt clwb intel-pt avx512pf avx512er avx512cd
  sha-ni avx512bw avx512vl
7.0.ECX - avx512vbmi umip pku - waitpkg avx512vbmi2 - gfni vaes vpclmulqdq avx512vnni avx512bitalg -
  avx512-vpopcntdq - la57 - - - - - rdpid - bus-lock-detect cldemote - movdiri movdir64b - sgxlc pks
7.0.EDX - - avx512-4vnniw avx512-4fmaps fsrm - - - avx512-vp2intersect - md-clear - - - serialize -
  tsx-ldtrk - - arch-lbr - - amx-bf16 avx512-fp16 amx-tile amx-int8 spec-ctrl stibp flush-l1d
  arch-capabilities core-capability ssbd
7.1.EAX sha512 sm3 sm4 - avx-vnni avx512-bf16 - cmpccxadd - - fzrm fsrs fsrc - - - - fred lkgs wrmsrns -
  amx-fp16 - avx-ifma - - lam
7.1.EDX - - - - avx-vnni-int8 avx-ne-convert - - amx-complex - avx-vnni-int16 - - - prefetchiti - - - -
  avx10
7.2.EDX intel-psfd ipred-ctrl rrsba-ctrl ddpd-u bhi-ctrl mcdt-no
d.1.EAX xsaveopt xsavec xgetbv1 xsaves xfd
24.0.EBX - - - - - - - - - - - - - - - - avx10-128 avx10-256 avx10-512
80000001.0.ECX lahf_lm cmp_legacy svm extapic cr8legacy abm sse4a misalignsse 3dnowprefetch osvw ibs xop
  skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb
80000001.0.EDX - - - - - - - - - - - syscall - - - - - - - - nx - mmxext - - fxsr_opt pdpe1gb rdtscp - lm
  3dnowext 3dnow
80000007.0.EBX overflow-recov succor
80000007.0.EDX - - - - - - - - invtsc
80000008.0.EBX clzero - xsaveerptr - - - - - - wbnoinvd - - ibpb - ibrs amd-stibp - stibp-always-on - - - -
  - - amd-ssbd virt-ssbd amd-no-ssb - amd-psfd
8000000a.0.EDX npt lbrv svm_lock nrip-save tsc-scale vmcb-clean flushbyasid decodeassists - - pause-filter -
  pfthreshold avic - v-vmsave-vmload vgif - - - - - - - - vnmi - - svme-addr-chk
80000021.0.EAX no-nested-data-bp - lfence-always-serializing - - - null-sel-clr-base - auto-ibrs - - - - - -
  - - - - - - - - - eraps - - sbpb ibpb-brtype srso-no srso-user-kernel-no
"""


def table() -> "list[tuple[str, int, str]]":
    """Return every feature with its register and bit, in the order in which libvirt names features."""
    found = []
    for line in REGISTERS.strip().replace("\n  ", " ").split("\n"):
        register, *names = line.split()
        found += [(register, bit, name) for bit, name in enumerate(names) if name != "-"]
    return found
