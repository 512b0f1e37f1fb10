"""CPU models of x86 as facts: which features each has, whose they are, in which order features are named.

A line of MODELS: the model, a star if it is a model of its own and not another's version; its vendor (I, A,
H, - for none); the model it is like; the features it has beyond that (+), lacks (-), and those that it
names but does not have (!).

Source: what `virsh cpu-baseline --features` says of each model.
"""

FEATURES = """
pni pclmuldq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid fma cx16 xtpr pdcm pcid dca sse4.1 sse4.2
x2apic movbe popcnt tsc-deadline aes xsave osxsave avx f16c rdrand fpu vme hypervisor de pse tsc msr pae
mce cx8 apic sep mtrr pge mca cmov pat pse36 pn clflush ds acpi mmx fxsr sse sse2 ss ht tm ia64 pbe arat
fsgsbase tsc_adjust sgx bmi1 hle avx2 fdp-excptn-only smep bmi2 erms invpcid rtm cmt zero-fcs-fds mpx
avx512f avx512dq rdseed adx smap avx512ifma pcommit clflushopt clwb intel-pt avx512pf avx512er avx512cd
sha-ni avx512bw avx512vl avx512vbmi umip pku ospke waitpkg avx512vbmi2 gfni vaes vpclmulqdq avx512vnni
avx512bitalg avx512-vpopcntdq la57 rdpid bus-lock-detect cldemote movdiri movdir64b sgxlc pks
avx512-4vnniw avx512-4fmaps fsrm avx512-vp2intersect md-clear serialize tsx-ldtrk pconfig arch-lbr
amx-bf16 avx512-fp16 amx-tile amx-int8 spec-ctrl stibp flush-l1d arch-capabilities core-capability ssbd
sha512 sm3 sm4 avx-vnni avx512-bf16 cmpccxadd fzrm fsrs fsrc fred lkgs wrmsrns amx-fp16 avx-ifma lam
avx-vnni-int8 avx-ne-convert amx-complex avx-vnni-int16 prefetchiti avx10 intel-psfd ipred-ctrl
rrsba-ctrl ddpd-u bhi-ctrl mcdt-no xsaveopt xsavec xgetbv1 xsaves xfd mbm_total mbm_local sgx1 sgx2
sgx-edeccssa sgx-exinfo sgx-debug sgx-mode64 sgx-provisionkey sgx-tokenkey sgx-kss sgx-aex-notify
intel-pt-lip avx10-128 avx10-256 avx10-512 lahf_lm cmp_legacy svm extapic cr8legacy abm sse4a
misalignsse 3dnowprefetch osvw ibs xop skinit wdt lwp fma4 tce cvt16 nodeid_msr tbm topoext perfctr_core
perfctr_nb syscall nx mmxext fxsr_opt pdpe1gb rdtscp lm 3dnowext 3dnow overflow-recov succor invtsc
clzero xsaveerptr wbnoinvd ibpb ibrs amd-stibp stibp-always-on amd-ssbd virt-ssbd amd-no-ssb amd-psfd
npt lbrv svm-lock nrip-save tsc-scale vmcb-clean flushbyasid decodeassists pause-filter pfthreshold avic
v-vmsave-vmload vgif vnmi svme-addr-chk no-nested-data-bp lfence-always-serializing null-sel-clr-base
auto-ibrs eraps sbpb ibpb-brtype srso-no srso-user-kernel-no perfmon-v2 split-lock-detect rdctl-no
ibrs-all rsba skip-l1dfl-vmentry ssb-no mds-no pschange-mc-no tsx-ctrl taa-no sbdr-ssdp-no fbsdp-no
psdp-no fb-clear pbrsb-no gds-no rfds-no rfds-clear vmx-ins-outs vmx-true-ctls vmx-any-errcode
vmx-nested-exception vmx-store-lma vmx-activity-hlt vmx-activity-shutdown vmx-activity-wait-sipi
vmx-vmwrite-vmexit-fields vmx-zero-len-inject vmx-apicv-xapic vmx-ept vmx-desc-exit vmx-rdtscp-exit
vmx-apicv-x2apic vmx-vpid vmx-wbinvd-exit vmx-unrestricted-guest vmx-apicv-register vmx-apicv-vid
vmx-ple vmx-rdrand-exit vmx-invpcid-exit vmx-vmfunc vmx-shadow-vmcs vmx-encls-exit vmx-rdseed-exit
vmx-pml vmx-xsaves vmx-tsc-scaling vmx-enable-user-wait-pause vmx-ept-execonly vmx-page-walk-4
vmx-page-walk-5 vmx-ept-2mb vmx-ept-1gb vmx-invept vmx-eptad vmx-ept-advanced-exitinfo
vmx-invept-single-context vmx-invept-all-context vmx-invvpid vmx-invvpid-single-addr
vmx-invvpid-all-context vmx-invvpid-single-context-noglobals vmx-intr-exit vmx-nmi-exit vmx-vnmi
vmx-preemption-timer vmx-posted-intr vmx-vintr-pending vmx-tsc-offset vmx-hlt-exit vmx-invlpg-exit
vmx-mwait-exit vmx-rdpmc-exit vmx-rdtsc-exit vmx-cr3-load-noexit vmx-cr3-store-noexit vmx-cr8-load-exit
vmx-cr8-store-exit vmx-flexpriority vmx-vnmi-pending vmx-movdr-exit vmx-io-exit vmx-io-bitmap vmx-mtf
vmx-msr-bitmap vmx-monitor-exit vmx-pause-exit vmx-secondary-ctls vmx-exit-nosave-debugctl
vmx-exit-load-perf-global-ctrl vmx-exit-ack-intr vmx-exit-save-pat vmx-exit-load-pat vmx-exit-save-efer
vmx-exit-load-efer vmx-exit-save-preemption-timer vmx-exit-clear-bndcfgs vmx-exit-clear-rtit-ctl
vmx-exit-load-pkrs vmx-exit-secondary-ctls vmx-entry-noload-debugctl vmx-entry-ia32e-mode
vmx-entry-load-perf-global-ctrl vmx-entry-load-pat vmx-entry-load-efer vmx-entry-load-bndcfgs
vmx-entry-load-rtit-ctl vmx-entry-load-pkrs vmx-entry-load-fred vmx-eptp-switching
""".split()

VENDORS = {"I": "Intel", "A": "AMD", "H": "Hygon", "-": None}

MODELS = """
486* - +fpu +pse +vme
486-v1 - 486
pentium* - 486 +cx8 +de +mce +mmx +msr +tsc
pentium-v1 - pentium
pentium2* - pentium +cmov +fxsr +mca +mtrr +pae +pat +pge +pse36 +sep
pentium2-v1 - pentium2
pentium3* - pentium2 +sse
pentium3-v1 - pentium3
pentiumpro* - pentium3 +apic +sse2 -mca -mtrr -pse36 -vme
coreduo* I pentium3 +apic +clflush +monitor +nx +pni +sse2 -pse36
coreduo-v1 I coreduo
n270* I coreduo +ssse3
n270-v1 I n270
core2duo* I n270 +lm +pse36 +syscall
core2duo-v1 I core2duo
qemu32* - pentiumpro +pni
qemu32-v1 - qemu32
kvm32* - coreduo +pse36 -monitor -nx -vme
kvm32-v1 - kvm32
cpu64-rhel5 - core2duo -monitor -ssse3 -vme
cpu64-rhel6 - cpu64-rhel5 +cx16 +lahf_lm
qemu64* - cpu64-rhel5 +cx16 +svm
qemu64-v1 - qemu64
kvm64* - cpu64-rhel5 +cx16
kvm64-v1 - kvm64
Conroe* I cpu64-rhel5 +lahf_lm +ssse3
Conroe-v1 I Conroe
Penryn* I cpu64-rhel6 +sse4.1 +ssse3
Penryn-v1 I Penryn
Nehalem* I Penryn +popcnt +sse4.2
Nehalem-IBRS* I Nehalem +spec-ctrl
Nehalem-v1 I Nehalem
Nehalem-v2 I Nehalem-IBRS
Westmere* I Nehalem +aes
Westmere-IBRS* I Nehalem-IBRS +aes
Westmere-v1 I Westmere
Westmere-v2 I Westmere-IBRS
SandyBridge* I Westmere +avx +pclmuldq +rdtscp +tsc-deadline +x2apic +xsave
SandyBridge-IBRS* I SandyBridge +spec-ctrl
SandyBridge-v1 I SandyBridge
SandyBridge-v2 I SandyBridge-IBRS
IvyBridge* I SandyBridge +erms +f16c +fsgsbase +rdrand +smep +vme
IvyBridge-IBRS* I IvyBridge +spec-ctrl
IvyBridge-v1 I IvyBridge
IvyBridge-v2 I IvyBridge-IBRS
Haswell-noTSX* I SandyBridge +avx2 +bmi1 +bmi2 +erms +fma +fsgsbase +invpcid +movbe +pcid +smep
Haswell-noTSX-IBRS* I Haswell-noTSX +spec-ctrl
Haswell* I Haswell-noTSX +hle +rtm
Haswell-IBRS* I Haswell +spec-ctrl
Haswell-v1 I Haswell
Haswell-v2 I Haswell-noTSX
Haswell-v3 I Haswell-IBRS
Haswell-v4 I Haswell-noTSX-IBRS
Broadwell-noTSX* I Haswell-noTSX +3dnowprefetch +adx +rdseed +smap
Broadwell-noTSX-IBRS* I Broadwell-noTSX +spec-ctrl
Broadwell* I Broadwell-noTSX +hle +rtm
Broadwell-IBRS* I Broadwell +spec-ctrl
Broadwell-v1 I Broadwell
Broadwell-v2 I Broadwell-noTSX
Broadwell-v3 I Broadwell-IBRS
Broadwell-v4 I Broadwell-noTSX-IBRS
Skylake-Client* I Broadwell +abm +arat +f16c +rdrand +vme +xgetbv1 +xsavec +xsaveopt !mpx
Skylake-Client-IBRS* I Skylake-Client +spec-ctrl !mpx
Skylake-Client-noTSX-IBRS I Skylake-Client-IBRS -hle -rtm
Skylake-Client-v1 I Skylake-Client
Skylake-Client-v2 I Skylake-Client-IBRS
Skylake-Client-v3 I Skylake-Client-noTSX-IBRS
Skylake-Client-v4 I Skylake-Client-noTSX-IBRS +vmx-activity-hlt +vmx-apicv-xapic +vmx-cr3-load-noexit
  +vmx-cr3-store-noexit +vmx-cr8-load-exit +vmx-cr8-store-exit +vmx-desc-exit +vmx-entry-ia32e-mode
  +vmx-entry-load-efer +vmx-entry-load-pat +vmx-entry-load-perf-global-ctrl +vmx-entry-noload-debugctl
  +vmx-ept +vmx-ept-1gb +vmx-ept-2mb +vmx-ept-execonly +vmx-eptad +vmx-eptp-switching +vmx-exit-ack-intr
  +vmx-exit-load-efer +vmx-exit-load-pat +vmx-exit-load-perf-global-ctrl +vmx-exit-nosave-debugctl
  +vmx-exit-save-efer +vmx-exit-save-pat +vmx-exit-save-preemption-timer +vmx-flexpriority +vmx-hlt-exit
  +vmx-ins-outs +vmx-intr-exit +vmx-invept +vmx-invept-all-context +vmx-invept-single-context
  +vmx-invlpg-exit +vmx-invpcid-exit +vmx-invvpid-all-context +vmx-invvpid-single-addr
  +vmx-invvpid-single-context-noglobals +vmx-io-bitmap +vmx-io-exit +vmx-monitor-exit +vmx-movdr-exit
  +vmx-msr-bitmap +vmx-mtf +vmx-mwait-exit +vmx-nmi-exit +vmx-page-walk-4 +vmx-pause-exit +vmx-pml
  +vmx-preemption-timer +vmx-rdpmc-exit +vmx-rdrand-exit +vmx-rdseed-exit +vmx-rdtsc-exit
  +vmx-rdtscp-exit +vmx-secondary-ctls +vmx-shadow-vmcs +vmx-store-lma +vmx-true-ctls +vmx-tsc-offset
  +vmx-unrestricted-guest +vmx-vintr-pending +vmx-vmfunc +vmx-vmwrite-vmexit-fields +vmx-vnmi
  +vmx-vnmi-pending +vmx-vpid +vmx-wbinvd-exit +vmx-xsaves +xsaves
Skylake-Server* I Skylake-Client +avx512bw +avx512cd +avx512dq +avx512f +avx512vl +clwb +pdpe1gb !mpx
Skylake-Server-IBRS* I Skylake-Server +spec-ctrl !mpx
Skylake-Server-noTSX-IBRS I Skylake-Server-IBRS -hle -rtm
Skylake-Server-v1 I Skylake-Server
Skylake-Server-v2 I Skylake-Server-IBRS
Skylake-Server-v3 I Skylake-Server-noTSX-IBRS
Skylake-Server-v4 I Skylake-Client-v4 +avx512bw +avx512cd +avx512dq +avx512f +avx512vl +clwb +pdpe1gb
  +pku +vmx-apicv-register +vmx-apicv-vid +vmx-apicv-x2apic +vmx-posted-intr -vmx-xsaves -xsaves
Skylake-Server-v5 I Skylake-Server-v4 +vmx-xsaves +xsaves
Cascadelake-Server* I Skylake-Server-IBRS +avx512vnni +clflushopt +ssbd !mpx
Cascadelake-Server-noTSX I Cascadelake-Server -hle -rtm
Cascadelake-Server-v1 I Cascadelake-Server
Cascadelake-Server-v2 I Skylake-Server-v4 +arch-capabilities +avx512vnni +clflushopt +hle +ibrs-all
  +mds-no +rdctl-no +rtm +skip-l1dfl-vmentry +ssbd -vmx-eptp-switching
Cascadelake-Server-v3 I Cascadelake-Server-noTSX
Cascadelake-Server-v4 I Cascadelake-Server-v2 +vmx-eptp-switching -hle -rtm
Cascadelake-Server-v5 I Cascadelake-Server-v4 +vmx-xsaves +xsaves
Icelake-Client* I Skylake-Client-IBRS +avx512-vpopcntdq +avx512bitalg +avx512vbmi +avx512vbmi2
  +avx512vnni +gfni +mpx +pku +ssbd +umip +vaes +vpclmulqdq +wbnoinvd !intel-pt
Icelake-Client-noTSX I Icelake-Client -hle -rtm
Icelake-Server* I Icelake-Client +avx512bw +avx512cd +avx512dq +avx512f +avx512vl +clflushopt +clwb
  +la57 +pdpe1gb -mpx !intel-pt !mpx
Icelake-Server-noTSX I Icelake-Server -hle -rtm
Icelake-Server-v1 I Icelake-Server
Icelake-Server-v2 I Icelake-Server-noTSX
Icelake-Server-v3 I Cascadelake-Server-v4 +avx512-vpopcntdq +avx512bitalg +avx512vbmi +avx512vbmi2 +gfni
  +la57 +pschange-mc-no +taa-no +umip +vaes +vpclmulqdq +wbnoinvd -vmx-eptp-switching -vmx-pml
  -vmx-rdseed-exit
Icelake-Server-v4 I Icelake-Server-v3 +avx512ifma +fsrm +rdpid +sha-ni +vmx-eptp-switching +vmx-pml
  +vmx-rdseed-exit
Icelake-Server-v5 I Icelake-Server-v4 +vmx-xsaves +xsaves
Icelake-Server-v6 I Icelake-Server-v5 +vmx-page-walk-5
Icelake-Server-v7 I Icelake-Server-v6 +hle +rtm
Cooperlake* I Cascadelake-Server +arch-capabilities +avx512-bf16 +ibrs-all +mds-no +pku +pschange-mc-no
  +rdctl-no +skip-l1dfl-vmentry +stibp +taa-no
Cooperlake-v1 I Cooperlake
Cooperlake-v2 I Cascadelake-Server-v5 +avx512-bf16 +hle +pschange-mc-no +rtm +stibp +taa-no
Snowridge* I IvyBridge-IBRS +3dnowprefetch +arat +arch-capabilities +cldemote +clflushopt +clwb
  +core-capability +gfni +movbe +movdir64b +movdiri +pdpe1gb +rdseed +sha-ni +smap +split-lock-detect
  +ssbd +umip +xgetbv1 +xsavec +xsaveopt -avx -f16c
Snowridge-v1 I Snowridge
Snowridge-v2 I Skylake-Server-v4 +arch-capabilities +cldemote +clflushopt +core-capability +gfni
  +movdir64b +movdiri +sha-ni +split-lock-detect +ssbd +umip -abm -adx -avx -avx2 -avx512bw -avx512cd
  -avx512dq -avx512f -avx512vl -bmi1 -bmi2 -f16c -fma -invpcid -pcid -pku
Snowridge-v3 I Snowridge-v2 +vmx-xsaves +xsaves
Snowridge-v4 I Snowridge-v3 -core-capability -split-lock-detect
SapphireRapids* I Icelake-Server +amx-bf16 +amx-int8 +amx-tile +arch-capabilities +avx-vnni +avx512-bf16
  +avx512-fp16 +avx512ifma +bus-lock-detect +fsrc +fsrm +fsrs +fzrm +ibrs-all +mds-no +pschange-mc-no
  +rdctl-no +rdpid +serialize +sha-ni +skip-l1dfl-vmentry +taa-no +tsx-ldtrk +xfd +xsaves
SapphireRapids-v1 I SapphireRapids
SapphireRapids-v2 I Icelake-Server-v7 +amx-bf16 +amx-int8 +amx-tile +avx-vnni +avx512-bf16 +avx512-fp16
  +bus-lock-detect +fbsdp-no +fsrc +fsrs +fzrm +psdp-no +sbdr-ssdp-no +serialize +tsx-ldtrk +xfd
SapphireRapids-v3 I SapphireRapids-v2 +cldemote +movdir64b +movdiri +ss +tsc_adjust
GraniteRapids* I SapphireRapids-v2 +amx-fp16 +mcdt-no +pbrsb-no +prefetchiti +vmx-invvpid
GraniteRapids-v1 I GraniteRapids
GraniteRapids-v2 I SapphireRapids-v3 +amx-fp16 +avx10 +avx10-128 +avx10-256 +avx10-512 +mcdt-no
  +pbrsb-no +prefetchiti
SierraForest* I Icelake-Server-v5 +avx-ifma +avx-ne-convert +avx-vnni +avx-vnni-int8 +bus-lock-detect
  +cmpccxadd +fbsdp-no +fsrs +mcdt-no +pbrsb-no +psdp-no +sbdr-ssdp-no +serialize +vmx-invvpid
  -avx512-vpopcntdq -avx512bitalg -avx512bw -avx512cd -avx512dq -avx512f -avx512ifma -avx512vbmi
  -avx512vbmi2 -avx512vl -avx512vnni -la57 -taa-no
SierraForest-v1 I SierraForest
Denverton* I Snowridge-v2 +mpx +rdctl-no +skip-l1dfl-vmentry -cldemote -clwb -core-capability -gfni
  -movdir64b -movdiri -split-lock-detect -umip
Denverton-v1 I Denverton
Denverton-v2 I Denverton -mpx
Denverton-v3 I Denverton-v2 +vmx-xsaves +xsaves
KnightsMill* I Skylake-Client-noTSX-IBRS +avx512-4fmaps +avx512-4vnniw +avx512-vpopcntdq +avx512cd
  +avx512er +avx512f +avx512pf +pdpe1gb +ss -invpcid -pcid -smap -spec-ctrl -xgetbv1 -xsavec
KnightsMill-v1 I KnightsMill
athlon* A pentium3 +3dnow +3dnowext +apic +mmxext +sse2 -mca
athlon-v1 A athlon
phenom* A cpu64-rhel5 +3dnow +3dnowext +fxsr_opt +mmxext +monitor +svm
phenom-v1 A phenom
Opteron_G1* A cpu64-rhel5
Opteron_G1-v1 A cpu64-rhel5
Opteron_G2* A cpu64-rhel6 +rdtscp +svm
Opteron_G2-v1 A Opteron_G2
Opteron_G3* A Opteron_G2 +abm +misalignsse +popcnt +sse4a !monitor
Opteron_G3-v1 A Opteron_G3
Opteron_G4* A SandyBridge +3dnowprefetch +abm +fma4 +misalignsse +pdpe1gb +sse4a +svm +xop -tsc-deadline
  -x2apic
Opteron_G4-v1 A Opteron_G4
Opteron_G5* A Opteron_G4 +f16c +fma +tbm
Opteron_G5-v1 A Opteron_G5
EPYC* A Skylake-Client-noTSX-IBRS +clflushopt +cr8legacy +fxsr_opt +misalignsse +mmxext +osvw +pdpe1gb
  +sha-ni +sse4a +svm -erms -invpcid -pcid -spec-ctrl -tsc-deadline -x2apic !monitor
EPYC-IBPB* A EPYC +ibpb !monitor
EPYC-v1 A EPYC
EPYC-v2 A EPYC-IBPB
EPYC-v3 A EPYC-IBPB +clzero +npt +nrip-save +perfctr_core +xsaveerptr +xsaves
EPYC-v4 A EPYC-v3
EPYC-Rome* A EPYC-v3 +amd-stibp +clwb +rdpid +umip +wbnoinvd -xsaves
EPYC-Rome-v1 A EPYC-Rome
EPYC-Rome-v2 A EPYC-Rome +amd-ssbd +ibrs +xsaves
EPYC-Rome-v3 A EPYC-Rome-v2
EPYC-Rome-v4 A EPYC-Rome-v2 -xsaves
EPYC-Milan* A EPYC-Rome-v2 +erms +fsrm +invpcid +pcid +pku +svme-addr-chk
EPYC-Milan-v1 A EPYC-Milan
EPYC-Milan-v2 A EPYC-Milan +amd-psfd +lfence-always-serializing +no-nested-data-bp +null-sel-clr-base
  +stibp-always-on +vaes +vpclmulqdq
EPYC-Genoa* A EPYC-Milan-v2 +auto-ibrs +avx512-bf16 +avx512-vpopcntdq +avx512bitalg +avx512bw +avx512cd
  +avx512dq +avx512f +avx512ifma +avx512vbmi +avx512vbmi2 +avx512vl +avx512vnni +gfni +la57 +vnmi
EPYC-Genoa-v1 A EPYC-Genoa
Dhyana* H EPYC-IBPB -aes -pclmuldq -sha-ni !monitor
Dhyana-v1 H Dhyana
Dhyana-v2 H Dhyana +npt +nrip-save +xsaves
"""

# What some models have lost that no baseline tells of.
_LOST = {
    "Skylake-Client-noTSX-IBRS": ["mpx"],
    "Skylake-Server-noTSX-IBRS": ["mpx"],
    "Cascadelake-Server-noTSX": ["mpx"],
    "Icelake-Server-noTSX": ["intel-pt", "mpx"],
}


def removed(model: str) -> "list[str]":
    """Return the features that a model's definition names but the model does not have."""
    if model in _LOST:
        return _LOST[model]
    for line in MODELS.replace("\n  ", " ").split("\n"):
        title, *words = line.split() or ("",)
        if title.rstrip("*") == model:
            return [word[1:] for word in words if word.startswith("!")]
    return []
