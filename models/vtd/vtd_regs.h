/*
 * vtd_regs - register offsets and fields of a remapping unit, by the specification's names.
 * Intel VT-d Architecture Specification rev. 4.1, chapter 11 "Register Descriptions".
 */
#ifndef MODELS_VTD_VTD_REGS_H
#define MODELS_VTD_VTD_REGS_H
#include "base/bits.h"

#define VTD_REGS_SIZE 0x1000u

enum {
	VTD_VER = 0x00,
	VTD_CAP = 0x08,
	VTD_ECAP = 0x10,
	VTD_GCMD = 0x18,
	VTD_GSTS = 0x1c,
	VTD_RTADDR = 0x20,
	VTD_CCMD = 0x28,
	VTD_FSTS = 0x34,
	VTD_FECTL = 0x38,
	VTD_FEDATA = 0x3c,
	VTD_FEADDR = 0x40,
	VTD_FEUADDR = 0x44,
	VTD_PMEN = 0x64,
	VTD_PLMBASE = 0x68,
	VTD_PLMLIMIT = 0x6c,
	VTD_PHMBASE = 0x70,
	VTD_PHMLIMIT = 0x78,
	VTD_IQH = 0x80,
	VTD_IQT = 0x88,
	VTD_IQA = 0x90,
	VTD_ICS = 0x9c,
	VTD_IECTL = 0xa0,
	VTD_IEDATA = 0xa4,
	VTD_IEADDR = 0xa8,
	VTD_IEUADDR = 0xac,
	VTD_IQERCD = 0xb0,
	VTD_PQH = 0xc0,
	VTD_PQT = 0xc8,
	VTD_PQA = 0xd0,
	VTD_PRS = 0xdc,
	VTD_PECTL = 0xe0,
	VTD_PEDATA = 0xe4,
	VTD_PEADDR = 0xe8,
	VTD_PEUADDR = 0xec,
};
/* IVA and IOTLB_REG stand at ECAP.IRO x 16, the fault recording registers at CAP.FRO x 16. */

/* 11.4.2 Capability Register */
#define CAP_ND     GENMASK64(2, 0)
#define CAP_RWBF   BIT64(4)
#define CAP_PLMR   BIT64(5)
#define CAP_PHMR   BIT64(6)
#define CAP_CM     BIT64(7)
#define CAP_SAGAW  GENMASK64(12, 8)
#define CAP_MGAW   GENMASK64(21, 16)
#define CAP_ZLR    BIT64(22)
#define CAP_FRO    GENMASK64(33, 24)
#define CAP_SLLPS  GENMASK64(37, 34)
#define CAP_PSI    BIT64(39)
#define CAP_NFR    GENMASK64(47, 40)
#define CAP_MAMV   GENMASK64(53, 48)
#define CAP_DWD    BIT64(54)
#define CAP_DRD    BIT64(55)
#define CAP_FL1GP  BIT64(56)
#define CAP_FL5LP  BIT64(60)
#define CAP_ESRTPS BIT64(63)

/* 11.4.3 Extended Capability Register */
#define ECAP_C     BIT64(0)
#define ECAP_QI    BIT64(1)
#define ECAP_PT    BIT64(6)
#define ECAP_SC    BIT64(7)
#define ECAP_IRO   GENMASK64(17, 8)
#define ECAP_DT    BIT64(2)
#define ECAP_IR    BIT64(3)
#define ECAP_NEST  BIT64(26)
#define ECAP_PRS   BIT64(29)
#define ECAP_SMTS  BIT64(43)
#define ECAP_SLADS BIT64(45)
#define ECAP_SLTS  BIT64(46)
#define ECAP_FLTS  BIT64(47)
#define ECAP_RPS   BIT64(49)

/* 11.4.5 Root Table Address Register */
#define RTADDR_RTA GENMASK64(63, 12)
#define RTADDR_TTM GENMASK64(11, 10)
enum { RTADDR_TTM_LEGACY = 0, RTADDR_TTM_SCALABLE = 1 };

/* 11.4.4 Global Command and Status Registers */
#define GCMD_TE   BIT64(31)
#define GCMD_SRTP BIT64(30)
#define GCMD_WBF  BIT64(27)
#define GCMD_QIE  BIT64(26)
#define GSTS_TES  GCMD_TE
#define GSTS_RTPS GCMD_SRTP
#define GSTS_WBFS GCMD_WBF
#define GSTS_QIES GCMD_QIE

/* 11.4.6 Context Command Register */
#define CCMD_ICC  BIT64(63)
#define CCMD_CIRG GENMASK64(62, 61)
#define CCMD_CAIG GENMASK64(60, 59)
#define CCMD_FM   GENMASK64(33, 32)
#define CCMD_SID  GENMASK64(31, 16)
#define CCMD_DID  GENMASK64(15, 0)

/* 11.4.7 Fault Status, Event Control and Recording Registers */
#define FSTS_PFO     BIT64(0)
#define FSTS_PPF     BIT64(1)
#define FSTS_IQE     BIT64(4)
#define FSTS_ICE     BIT64(5)
#define FSTS_ITE     BIT64(6)
#define FSTS_EVENTS  (FSTS_PPF | FSTS_IQE | FSTS_ICE | FSTS_ITE)
#define FSTS_FRI     GENMASK64(15, 8)
#define FECTL_IM     BIT64(31)
#define FECTL_IP     BIT64(30)
#define FRCD_HI_F    BIT64(63)
#define FRCD_HI_T    BIT64(62) /* 1: read */
#define FRCD_HI_AT   GENMASK64(61, 60) /* PCIe address type of the request */
#define FRCD_HI_FR   GENMASK64(39, 32)
#define FRCD_HI_SID  GENMASK64(15, 0)
#define FRCD_HI_PV   GENMASK64(59, 40)
#define FRCD_HI_PP   BIT64(31)
#define FRCD_HI_EXE  BIT64(30)
#define FRCD_HI_PRIV BIT64(29)

/* 11.4.8.1 IOTLB Invalidate Register and 11.4.8.2 Invalidate Address Register */
#define IOTLB_IVT  BIT64(63)
#define IOTLB_IIRG GENMASK64(61, 60)
#define IOTLB_IAIG GENMASK64(58, 57)
#define IOTLB_DID  GENMASK64(47, 32)
#define IVA_ADDR   GENMASK64(63, 12)
#define IVA_IH     BIT64(6)
#define IVA_AM     GENMASK64(5, 0)

/* 11.4.9 Invalidation Queue Registers */
#define IQH_QH  GENMASK64(18, 4)
#define IQT_QT  GENMASK64(18, 4)
#define IQA_IQA GENMASK64(63, 12)
#define IQA_QS  GENMASK64(2, 0)
#define IQA_DW  BIT64(11) /* 256-bit descriptors */
#define ICS_IWC BIT64(0)

/* 11.4.10 Invalidation Event Control Register, 11.4.11 Invalidation Queue Error Record */
#define IECTL_IM      BIT64(31)
#define IECTL_IP      BIT64(30)
#define IQERCD_IQEI   GENMASK64(3, 0)
#define IQERCD_ITESID GENMASK64(47, 32) /* source-id whose invalidation timed out */
#define IQERCD_ICESID GENMASK64(63, 48) /* of an unexpected completion */
enum {
	IQEI_TAIL = 1, /* invalid tail pointer */
	IQEI_FETCH = 2, /* descriptor fetch error */
	IQEI_TYPE = 3, /* invalid descriptor type */
	IQEI_RESERVED = 4, /* reserved field is not 0 */
	IQEI_FIELD = 6, /* invalid field */
};

/* 11.4.12 Protected Memory Enable Register */
#define PMEN_EPM BIT64(31)
#define PMEN_PRS BIT64(0)

/* 11.4.13 Page Request Queue Registers */
#define PQH_PQH  GENMASK64(18, 5)
#define PQA_PQA  GENMASK64(63, 12)
#define PQA_PQS  GENMASK64(2, 0)
#define PRS_PPR  BIT64(0) /* pending page request */
#define PRS_PRO  BIT64(1) /* overflow */
#define PECTL_IM BIT64(31)
#define PECTL_IP BIT64(30)

/* 7.4 Page Requests: descriptor of 256 bits (7.4.1.1) */
#define PRQ_BYTES      32u
#define PRQ_TYPE       1u
#define PRQ_LO_TYPE    GENMASK64(7, 0)
#define PRQ_LO_PASID_P BIT64(8)
#define PRQ_LO_RID     GENMASK64(31, 16)
#define PRQ_LO_PASID   GENMASK64(51, 32)
#define PRQ_LO_EXE     BIT64(52)
#define PRQ_LO_PRIV    BIT64(53)
#define PRQ_HI_RD      BIT64(0)
#define PRQ_HI_WR      BIT64(1)
#define PRQ_HI_LPIG    BIT64(2)
#define PRQ_HI_PRGI    GENMASK64(11, 3)
#define PRQ_HI_ADDR    GENMASK64(63, 12)

/* Granularities of CCMD.CIRG, IOTLB_REG.IIRG and the descriptors' G fields. */
enum { VTD_GLOBAL = 1, VTD_DOMAIN = 2, VTD_SELECTIVE = 3 };

/* 6.5.2 Queued Invalidation Interface: descriptor types and fields (128-bit descriptors) */
enum {
	QI_CONTEXT = 1,
	QI_IOTLB = 2,
	QI_DEVICE_TLB = 3,
	QI_INTERRUPT_ENTRY = 4,
	QI_WAIT = 5,
	QI_PASID_IOTLB = 6,
	QI_PASID_CACHE = 7,
	QI_PASID_DEVICE_TLB = 8,
	QI_PAGE_GROUP_RESPONSE = 9,
};
/* G of a PASID-based IOTLB and of a PASID-cache invalidation. */
enum { QI_PIOTLB_PASID = 2, QI_PIOTLB_PAGE = 3 };
enum { QI_PC_DOMAIN = 0, QI_PC_PASID = 1, QI_PC_GLOBAL = 3 };
#define QI_PASID         GENMASK64(51, 32)
#define QI_TYPE          GENMASK64(3, 0)
#define QI_G             GENMASK64(5, 4)
#define QI_DID           GENMASK64(31, 16)
#define QI_CONTEXT_SID   GENMASK64(47, 32)
#define QI_CONTEXT_FM    GENMASK64(49, 48)
#define QI_IOTLB_DW      BIT64(6)
#define QI_IOTLB_DR      BIT64(7)
#define QI_IOTLB_HI_ADDR GENMASK64(63, 12)
#define QI_IOTLB_HI_IH   BIT64(6)
#define QI_IOTLB_HI_AM   GENMASK64(5, 0)
#define QI_WAIT_IF       BIT64(4)
#define QI_WAIT_SW       BIT64(5)
#define QI_WAIT_FN       BIT64(6)
#define QI_WAIT_PD       BIT64(7)
#define QI_WAIT_DATA     GENMASK64(63, 32)
#define QI_WAIT_HI_ADDR  GENMASK64(63, 2)
/* 6.5.2.5 device TLB, 6.5.2.6 PASID-based device TLB; MIP 0: 32 */
#define QI_DT_MIP        GENMASK64(20, 16)
#define QI_DT_SID        GENMASK64(47, 32)
#define QI_DT_PFSID      (GENMASK64(15, 12) | GENMASK64(63, 52))
#define QI_DT_HI_S       BIT64(0)
#define QI_PDT_MIP       GENMASK64(8, 4)
#define QI_PDT_SID       GENMASK64(31, 16)
#define QI_PDT_HI_G      BIT64(0)
#define QI_PDT_HI_S      BIT64(11)
/* 7.6.1 page group response */
#define QI_PGR_PASID_P   BIT64(4)
#define QI_PGR_CODE      GENMASK64(15, 12)
#define QI_PGR_RID       GENMASK64(31, 16)
#define QI_PGR_HI_PRGI   GENMASK64(11, 3)

#endif
